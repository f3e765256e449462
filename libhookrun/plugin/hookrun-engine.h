/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds, resolves, activates and releases plugins. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-plugin.h"

G_BEGIN_DECLS

G_END_DECLS
