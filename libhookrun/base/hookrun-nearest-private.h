/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The name that was probably meant: for messages that answer a wrong name with the right one. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The candidate most like @name, or NULL when none is like it. @candidates ends with NULL. */
const char *hookrun_nearest (const char *name, const char *const *candidates);

/* (transfer full): `; did you mean "NEAREST"?`, or "" when nothing is near. */
char *hookrun_nearest_hint (const char *name, const char *const *candidates);

G_END_DECLS
