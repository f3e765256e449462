/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a change is written. A line shows a path as it is, so that scripts can use it; names with
 * tabs or newlines need the other two forms.
 */
#include "print.h"

#include <string.h>

static const char *const type_words[] = {
    [G_FILE_TYPE_UNKNOWN] = NULL,       [G_FILE_TYPE_REGULAR] = "file",
    [G_FILE_TYPE_DIRECTORY] = "folder", [G_FILE_TYPE_SYMBOLIC_LINK] = "link",
    [G_FILE_TYPE_SPECIAL] = "special",
};

static void
append_json_text (GString *text, const char *value)
{
  g_string_append_c (text, '"');
  for (const char *at = value; *at != '\0'; at++) {
    guint8 byte = (guint8)*at;

    if (byte == '"' || byte == '\\')
      g_string_append_printf (text, "\\%c", byte);
    else if (byte < 0x20 || byte == 0x7f)
      g_string_append_printf (text, "\\u%04x", byte);
    else
      g_string_append_c (text, *at);
  }
  g_string_append_c (text, '"');
}

/* JSON is UTF-8: a path that is not gets its bytes in base64 beside what can be shown of it. */
static void
append_json_path (GString *text, const char *key, const char *path)
{
  g_string_append_printf (text, ",\"%s\":", key);
  if (g_utf8_validate (path, -1, NULL)) {
    append_json_text (text, path);
  } else {
    g_autofree char *valid = g_utf8_make_valid (path, -1);
    g_autofree char *base64 = g_base64_encode ((const guchar *)path, strlen (path));

    append_json_text (text, valid);
    g_string_append_printf (text, ",\"%s_base64\":\"%s\"", key, base64);
  }
}

static void
print_json (HookrunChange *change, GString *text)
{
  const char *old_path = hookrun_change_get_old_path (change);
  GFileType type = hookrun_change_get_file_type (change);

  g_string_append_printf (text, "{\"kind\":\"%s\"",
                          hookrun_change_kind_get_name (hookrun_change_get_kind (change)));
  append_json_path (text, "path", hookrun_change_get_path (change));
  if (old_path != NULL)
    append_json_path (text, "old_path", old_path);
  if ((guint)type < G_N_ELEMENTS (type_words) && type_words[type] != NULL)
    g_string_append_printf (text, ",\"type\":\"%s\"", type_words[type]);
  if (hookrun_change_get_inode (change) != 0)
    g_string_append_printf (text, ",\"inode\":%" G_GUINT64_FORMAT,
                            hookrun_change_get_inode (change));
  g_string_append_printf (text, ",\"time_us\":%" G_GINT64_FORMAT,
                          hookrun_change_get_time_us (change));
  if (hookrun_change_is_synthetic (change))
    g_string_append (text, ",\"synthetic\":true");
  if (hookrun_change_is_offline (change))
    g_string_append (text, ",\"offline\":true");
  g_string_append (text, "}\n");
}

void
watch_print_change (const WatchOptions *options, HookrunChange *change, GString *text)
{
  char between = options->null ? '\0' : '\t';
  const char *old_path = hookrun_change_get_old_path (change);

  if (options->json) {
    print_json (change, text);
    return;
  }
  g_string_append (text, hookrun_change_kind_get_name (hookrun_change_get_kind (change)));
  g_string_append_c (text, between);
  g_string_append (text, hookrun_change_get_path (change));
  if (old_path != NULL) {
    g_string_append_c (text, between);
    g_string_append (text, old_path);
  }
  g_string_append_c (text, options->null ? '\0' : '\n');
}
