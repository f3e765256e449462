/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the rooms: turning an errno into an error of the library's domain. */
#pragma once

#include "hookrun-error.h"

G_BEGIN_DECLS

HookrunError hookrun_error_from_errno (int saved_errno);

void hookrun_set_error_from_errno (GError **error, int saved_errno, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

G_END_DECLS
