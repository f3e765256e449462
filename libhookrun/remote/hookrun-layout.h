/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Release folders at a target and the one rename that makes a release live. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-target.h"

G_BEGIN_DECLS

G_END_DECLS
