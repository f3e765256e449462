/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times of exported files. git gives every file the time of its export, and a sync that compares
 * times would then look into all of them each time. So a record is kept: a file that had the same
 * content at the last export keeps its time, any other gets the time of now. The part below the
 * second comes from the content's id, so two contents of one second never have the same time.
 */
#include "hookrun-source-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#define MAX_RECORD (128U * 1024 * 1024)

typedef struct {
  const char *blob;
  gint64 seconds;
} Known;

/* The record: "ATTRIBUTES\0" and for each file "BLOB SECONDS PATH\0". What is not like that is as
 * if it were not there. */
static void
take_record (char *record, gsize length, const char *attributes, GHashTable *known)
{
  char *end = record + length;
  gboolean same = length > 0 && g_str_equal (record, attributes);

  for (char *entry = record + strlen (record) + 1; same && entry < end;
       entry += strlen (entry) + 1) {
    char *seconds = strchr (entry, ' ');
    char *path = seconds != NULL ? strchr (seconds + 1, ' ') : NULL;
    Known *file;

    if (path == NULL)
      return;
    file = g_new (Known, 1);
    file->blob = entry;
    file->seconds = g_ascii_strtoll (seconds + 1, NULL, 10);
    g_hash_table_insert (known, path + 1, file);
  }
}

static gint64
time_of (GHashTable *known, const HookrunSourceFile *file, gint64 now)
{
  const Known *before = g_hash_table_lookup (known, file->path);
  gsize length = strlen (file->blob);

  if (before == NULL || strncmp (before->blob, file->blob, length) != 0 ||
      before->blob[length] != ' ' || before->seconds <= 0 || before->seconds > now)
    return now;
  return before->seconds;
}

static gboolean
set_time (int tree_fd, const char *path, gint64 seconds, long nanoseconds, GError **error)
{
  const struct timespec time = {.tv_sec = seconds, .tv_nsec = nanoseconds};
  const struct timespec times[2] = {time, time};

  if (utimensat (tree_fd, path, times, AT_SYMLINK_NOFOLLOW) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot set the time of \"%s\"", path);
  return FALSE;
}

gboolean
hookrun_source_set_times (HookrunSource *self, int tree_fd, const HookrunSourceFile *files,
                          gsize n_files, const char *attributes, GError **error)
{
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  g_autoptr (GString) fresh = g_string_new (attributes);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  gsize length = 0;
  g_autofree char *record =
      hookrun_file_read_at (self->cache_fd, "times", MAX_RECORD, &length, NULL);

  if (record != NULL)
    take_record (record, length, attributes, known);
  g_string_append_c (fresh, '\0');
  for (gsize i = 0; i < n_files; i++) {
    gint64 seconds = time_of (known, &files[i], now);

    if (!set_time (tree_fd, files[i].path, seconds, hookrun_source_nanoseconds (files[i].blob),
                   error))
      return FALSE;
    g_string_append_printf (fresh, "%s %" G_GINT64_FORMAT " %s", files[i].blob, seconds,
                            files[i].path);
    g_string_append_c (fresh, '\0');
  }
  return hookrun_file_replace_at (self->cache_fd, "times", fresh->str, fresh->len, 0600, error);
}
