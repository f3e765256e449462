/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A deployment: modules of a project brought to a host, with hooks on the way. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-registry.h"

G_BEGIN_DECLS

G_END_DECLS
