/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One module of a project: its file, releases, plugins and configuration. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-project.h"

G_BEGIN_DECLS

G_END_DECLS
