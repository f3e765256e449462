/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that project and module files may hold: how each is checked and read. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* NULL when @value is good, else (transfer full) why not: "is not a number …". */
typedef char *(*HookrunValueCheck) (const char *value);

char *hookrun_value_check_boolean (const char *value);
char *hookrun_value_check_destination (const char *value);
char *hookrun_value_check_host (const char *value);
char *hookrun_value_check_keep (const char *value);
char *hookrun_value_check_layout (const char *value);
char *hookrun_value_check_name (const char *value);
char *hookrun_value_check_names (const char *value);
char *hookrun_value_check_ref (const char *value);
char *hookrun_value_check_shared (const char *value);
char *hookrun_value_check_text (const char *value);
char *hookrun_value_check_url (const char *value);
char *hookrun_value_check_version (const char *value);

/* For values that passed their check. */
gboolean hookrun_value_to_boolean (const char *value);
/* (transfer full): items between commas and line ends, without blanks and empty items. */
char **hookrun_value_to_list (const char *value);
/* The same in lower case, each name once. */
char **hookrun_value_to_names (const char *value);

G_END_DECLS
