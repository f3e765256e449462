/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes as lines, as fields that end with NUL, or as JSON. */
#pragma once

#include <hookrun.h>

#include "options.h"

G_BEGIN_DECLS

/* Appends one change to @text. */
void watch_print_change (const WatchOptions *options, HookrunChange *change, GString *text);

G_END_DECLS
