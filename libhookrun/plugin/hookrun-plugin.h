/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a native plugin exports, and a plugin as the engine sees it. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-manifest.h"

G_BEGIN_DECLS

G_END_DECLS
