/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A change as text for the user: what is about the file, and a unified difference made by the
 * user's own diff program. It reads anonymous files of ours by their descriptors, so what is shown
 * is what would be applied; its output is made harmless afterwards, line by line.
 */
#include "hookrun-staging-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-process-private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BINARY "<Binary Data>"
#define MAX_DIFFERENCE (1024 * 1024)
#define DIFF_TIMEOUT_MS 30000

static void
append_heads (GString *out, HookrunStagedChange *self)
{
  g_autofree char *path = hookrun_staging_make_visible (self->path, strlen (self->path), FALSE);

  if (self->conflict)
    g_string_append (out, "conflict: another version is in place than the one that was changed\n");
  g_string_append_printf (out, "--- %s\n+++ %s\n",
                          self->old->kind == HOOKRUN_STAGED_KIND_NONE ? "/dev/null" : path,
                          self->new->kind == HOOKRUN_STAGED_KIND_NONE ? "/dev/null" : path);
}

/* ---- the contents ---- */

static gboolean
is_binary (const HookrunStagedVersion *version)
{
  gsize size = 0;
  const void *data = version->content == NULL ? NULL : g_bytes_get_data (version->content, &size);

  return size > 0 && memchr (data, '\0', size) != NULL;
}

/* (transfer full) (nullable): the one line that stands for what has no lines. */
static char *
stand_in (const HookrunStagedVersion *version)
{
  g_autofree char *text = NULL;

  if (is_binary (version))
    return g_strdup (BINARY "\n");
  if (version->kind != HOOKRUN_STAGED_KIND_LINK)
    return NULL;
  text = hookrun_staging_make_visible (version->link, strlen (version->link), FALSE);
  return g_strdup_printf ("symlink to %s\n", text);
}

/* An anonymous file with what diff is to read, that nobody can change any more; -1 on failure. */
static int
open_side (const HookrunStagedVersion *version, GError **error)
{
  g_autofree char *line = stand_in (version);
  gsize size = line != NULL ? strlen (line) : 0;
  const void *data = line;
  int fd = memfd_create ("hookrun-version", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (line == NULL && version->content != NULL)
    data = g_bytes_get_data (version->content, &size);
  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make a file in memory");
    return -1;
  }
  if (hookrun_file_write_all (fd, data, size, "a file in memory", error))
    return fd;
  close (fd);
  return -1;
}

/* The program names the files in two lines of its own; ours stand there already. */
static void
append_output (GString *out, const char *text, gsize length, gboolean cut)
{
  const char *end = text + length;
  g_autofree char *visible = NULL;

  for (int i = 0; i < 2; i++) {
    const char *newline = memchr (text, '\n', (gsize)(end - text));

    text = newline == NULL ? end : newline + 1;
  }
  visible = hookrun_staging_make_visible (text, (gsize)(end - text), TRUE);
  g_string_append (out, visible);
  if (cut)
    g_string_append_printf (
        out, "\n[the difference is longer than %d bytes; the rest is not shown]\n", MAX_DIFFERENCE);
}

static gboolean
run_diff (GString *out, const char *old, const char *new, GCancellable *cancellable, GError **error)
{
  /* Output comes on descriptor 3, where it is not cut into lines. */
  const char *const argv[] = {"sh", "-c", "exec diff -u \"$1\" \"$2\" >&3", "diff", old, new, NULL};
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "LC_ALL", "C", TRUE);
  const HookrunProcessSpec spec = {
      .argv = argv,
      .environment = (const char *const *)environment,
      .with_result = TRUE,
      .max_result = MAX_DIFFERENCE,
      .timeout_ms = DIFF_TIMEOUT_MS,
  };
  static const int good[] = {1, 0};
  g_autoptr (HookrunProcess) process = hookrun_process_start (&spec, error);
  const char *text;
  gboolean cut;
  gsize length;

  if (process == NULL)
    return FALSE;
  hookrun_process_wait (process, cancellable);
  cut = hookrun_process_get_end (process) == HOOKRUN_PROCESS_RESULT_LIMIT;
  if (!cut && !hookrun_process_check (process, good, "the program \"diff\"", error))
    return FALSE;
  text = hookrun_process_get_result (process, &length);
  append_output (out, text, length, cut);
  return TRUE;
}

static gboolean
append_difference (GString *out, HookrunStagedChange *self, GCancellable *cancellable,
                   GError **error)
{
  g_autofree char *old_path = NULL;
  g_autofree char *new_path = NULL;
  int old = open_side (self->old, error);
  int new = old < 0 ? -1 : open_side (self->new, error);
  gboolean ok = FALSE;

  if (new >= 0) {
    old_path = g_strdup_printf ("/proc/%d/fd/%d", (int)getpid (), old);
    new_path = g_strdup_printf ("/proc/%d/fd/%d", (int)getpid (), new);
    ok = run_diff (out, old_path, new_path, cancellable, error);
    close (new);
  }
  if (old >= 0)
    close (old);
  return ok;
}

char *
hookrun_staged_change_run_show (HookrunStagedChange *self, GCancellable *cancellable,
                                GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *old_line = NULL;
  g_autofree char *new_line = NULL;

  if (g_cancellable_is_cancelled (cancellable)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                 "the difference of \"%s\" was cancelled", self->path);
    return NULL;
  }
  if (!hookrun_staged_change_load (self, error))
    return NULL;
  hookrun_staged_change_append_metadata (self, out);
  append_heads (out, self);
  if (g_strcmp0 (self->old->sum, self->new->sum) == 0 && self->old->kind == self->new->kind)
    return g_string_free (g_steal_pointer (&out), FALSE);
  old_line = stand_in (self->old);
  new_line = stand_in (self->new);
  if (old_line != NULL && new_line != NULL)
    g_string_append_printf (out, "-%s+%s", old_line, new_line);
  else if (!append_difference (out, self, cancellable, error))
    return NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/**
 * hookrun_staged_change_show:
 * @self: a change
 * @error: return location; %HOOKRUN_ERROR_INVALID when what was kept is damaged,
 *   %HOOKRUN_ERROR_COMMAND or %HOOKRUN_ERROR_NOT_FOUND when `diff` fails or is missing,
 *   %HOOKRUN_ERROR_IO
 *
 * Describes the change for the user: a line for each change of kind, mode, owner, access list and
 * extended attribute, one when other names of the file (hard links) keep the old version, and a
 * unified difference; `<Binary Data>` stands for content with NUL bytes, `symlink to X` for a link.
 * Whatever could deceive a terminal or a reader is written as an escape (`\x1b`, `\u202e`), but for
 * the newlines between lines. The difference is cut at 1 MiB, and says so. Runs the user's `diff`.
 *
 * Returns: (transfer full): the text, UTF-8, or %NULL with @error set
 *
 * Since: 1.0
 */
char *
hookrun_staged_change_show (HookrunStagedChange *self, GError **error)
{
  return hookrun_staged_change_run_show (self, NULL, error);
}
