/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A project file: hosts, modules and their dependencies. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-error.h"

G_BEGIN_DECLS

G_END_DECLS
