/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What discovery reads of a plugin without running any of its code. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-registry.h"

G_BEGIN_DECLS

G_END_DECLS
