/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of steps with before, middle and after signals, an action and an undo. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-journal.h"

G_BEGIN_DECLS

G_END_DECLS
