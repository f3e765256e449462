/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of runs in a folder: opened under a lock, checked whole, a torn end cut off; begun,
 * appended to, archived. Its lines are hookrun-record.c's, their meaning hookrun-ledger.c's.
 */
#include "hookrun-journal-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_KEEP 20
#define MAX_NAME 128

G_DEFINE_FINAL_TYPE (HookrunJournal, hookrun_journal, G_TYPE_OBJECT)

void
hookrun_journal_close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
hookrun_journal_finalize (GObject *object)
{
  HookrunJournal *self = HOOKRUN_JOURNAL (object);

  hookrun_journal_close (self);
  g_free (self->folder);
  g_free (self->name);
  g_free (self->path);
  g_clear_error (&self->broken);
  g_clear_pointer (&self->records, g_ptr_array_unref);
  g_clear_pointer (&self->ledger, hookrun_ledger_free);
  G_OBJECT_CLASS (hookrun_journal_parent_class)->finalize (object);
}

static void
hookrun_journal_class_init (HookrunJournalClass *class)
{
  G_OBJECT_CLASS (class)->finalize = hookrun_journal_finalize;
}

static void
hookrun_journal_init (HookrunJournal *self)
{
  self->folder_fd = self->lock_fd = self->fd = -1;
  self->keep = DEFAULT_KEEP;
}

static gboolean
is_good_name (const char *name)
{
  if (*name == '\0' || *name == '.' || strlen (name) > MAX_NAME)
    return FALSE;
  for (const char *at = name; *at != '\0'; at++)
    if (*at == '/' || g_ascii_iscntrl (*at))
      return FALSE;
  return TRUE;
}

char *
hookrun_journal_current_name (HookrunJournal *self)
{
  return g_strconcat (self->name, ".journal", NULL);
}

gboolean
hookrun_journal_sync_folder (HookrunJournal *self, GError **error)
{
  if (fsync (self->folder_fd) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot sync folder \"%s\"", self->folder);
  return FALSE;
}

static gboolean
open_folder (HookrunJournal *self, GError **error)
{
  gboolean read_only = (self->flags & HOOKRUN_JOURNAL_READ_ONLY) != 0;
  g_autoptr (GError) problem = NULL;

  if (!read_only && !hookrun_file_make_folders (self->folder, error))
    return FALSE;
  self->folder_fd = hookrun_file_open_folder (AT_FDCWD, self->folder, &problem);
  if (self->folder_fd >= 0 ||
      (read_only && g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND)))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
set_aside (HookrunJournal *self, const char *file, GError **error)
{
  for (guint i = 1; i < 10000; i++) {
    g_autofree char *other = g_strdup_printf ("%s.damaged-%u", self->name, i);

    if (faccessat (self->folder_fd, other, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      continue;
    if (renameat (self->folder_fd, file, self->folder_fd, other) == 0)
      return hookrun_journal_sync_folder (self, error);
    hookrun_set_error_from_errno (error, errno, "cannot rename \"%s/%s\"", self->folder, file);
    return FALSE;
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "\"%s\" holds too many damaged journals; remove some", self->folder);
  return FALSE;
}

/* Opens what was read for writing behind its last whole record. */
static gboolean
open_for_append (HookrunJournal *self, const char *file, GError **error)
{
  struct stat st;

  self->fd = openat (self->folder_fd, file, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
  if (self->fd < 0 || fstat (self->fd, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open journal \"%s\"", self->path);
    return FALSE;
  }
  if (st.st_size == self->size)
    return TRUE;
  if (ftruncate (self->fd, self->size) == 0 && fdatasync (self->fd) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot cut the torn end off journal \"%s\"",
                                self->path);
  return FALSE;
}

/* A file whose first record never became whole: the run never began. */
static gboolean
drop_stillborn (HookrunJournal *self, const char *file, GError **error)
{
  g_clear_pointer (&self->ledger, hookrun_ledger_free);
  g_clear_pointer (&self->records, g_ptr_array_unref);
  if ((self->flags & HOOKRUN_JOURNAL_READ_ONLY) != 0)
    return TRUE;
  if (unlinkat (self->folder_fd, file, 0) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot remove \"%s\"", self->path);
    return FALSE;
  }
  return hookrun_journal_sync_folder (self, error);
}

static gboolean
load_current (HookrunJournal *self, GError **error)
{
  g_autofree char *file = hookrun_journal_current_name (self);
  g_autoptr (GError) problem = NULL;

  if (self->folder_fd < 0)
    return TRUE;
  if (faccessat (self->folder_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
    return TRUE;
  if (!hookrun_journal_read_file (self, file, &self->ledger, &self->records, self->sum, &self->size,
                                  &problem)) {
    if ((self->flags & HOOKRUN_JOURNAL_SET_ASIDE_DAMAGED) != 0 &&
        g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID))
      return set_aside (self, file, error);
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (self->records->len == 0)
    return drop_stillborn (self, file, error);
  return (self->flags & HOOKRUN_JOURNAL_READ_ONLY) != 0 || open_for_append (self, file, error);
}

/**
 * hookrun_journal_open:
 * @folder: path of the folder
 * @name: name of the journal inside it: no slash, not empty, not starting with a dot, at most 128
 *   bytes
 * @flags: how
 * @error: return location for an error
 *
 * Opens a journal and checks each of its records. Except for reading, the journal is locked until
 * it is closed, and what a crash left of a last, torn record is cut off: such a record was never
 * acted upon.
 *
 * Blocks on the disk. One thread at a time may use the journal.
 *
 * Returns: (transfer full): the journal; %NULL with %HOOKRUN_ERROR_BUSY when another process has it
 *   (the message names that), %HOOKRUN_ERROR_INVALID for a bad name and for a damaged file (the
 *   message names the record and what to do), %HOOKRUN_ERROR_UNTRUSTED when others can write the
 *   file, %HOOKRUN_ERROR_PERMISSION, %HOOKRUN_ERROR_IO and others from the file system
 *
 * Since: 1.0
 */
HookrunJournal *
hookrun_journal_open (const char *folder, const char *name, HookrunJournalFlags flags,
                      GError **error)
{
  g_autoptr (HookrunJournal) self = NULL;

  g_return_val_if_fail (folder != NULL && name != NULL, NULL);
  if (!is_good_name (name)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" cannot be the name of a journal: give 1 to %d characters without \"/\", "
                 "not starting with \".\"",
                 name, MAX_NAME);
    return NULL;
  }
  self = g_object_new (HOOKRUN_TYPE_JOURNAL, NULL);
  self->folder = g_strdup (folder);
  self->name = g_strdup (name);
  self->path = g_strdup_printf ("%s/%s.journal", folder, name);
  self->flags = flags;
  if (!open_folder (self, error))
    return NULL;
  if ((flags & HOOKRUN_JOURNAL_READ_ONLY) == 0 && !hookrun_journal_lock (self, error))
    return NULL;
  return load_current (self, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * hookrun_journal_close:
 * @self: a journal
 *
 * Frees the lock and closes the files; what was read stays readable. The last unref does it, too.
 *
 * Since: 1.0
 */
void
hookrun_journal_close (HookrunJournal *self)
{
  g_return_if_fail (HOOKRUN_IS_JOURNAL (self));
  hookrun_journal_release_reserve (self);
  hookrun_journal_close_fd (&self->fd);
  hookrun_journal_close_fd (&self->lock_fd);
  hookrun_journal_close_fd (&self->folder_fd);
}

/**
 * hookrun_journal_get_name:
 * @self: a journal
 *
 * Gets its name.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_journal_get_name (HookrunJournal *self)
{
  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self), NULL);
  return self->name;
}

/**
 * hookrun_journal_get_path:
 * @self: a journal
 *
 * Gets the path of the current run's file, for messages; it exists when there is a run.
 *
 * Returns: (transfer none): the path
 *
 * Since: 1.0
 */
const char *
hookrun_journal_get_path (HookrunJournal *self)
{
  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self), NULL);
  return self->path;
}

/**
 * hookrun_journal_get_state:
 * @self: a journal
 *
 * Gets the state of the current run.
 *
 * Returns: the state; %HOOKRUN_RUN_NONE when there is no run
 *
 * Since: 1.0
 */
HookrunRunState
hookrun_journal_get_state (HookrunJournal *self)
{
  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self), HOOKRUN_RUN_NONE);
  return self->ledger == NULL ? HOOKRUN_RUN_NONE : self->ledger->state;
}

/**
 * hookrun_journal_get_run_id:
 * @self: a journal
 *
 * Gets the unique id of the current run.
 *
 * Returns: (transfer none) (nullable): the id, or %NULL when there is no run
 *
 * Since: 1.0
 */
const char *
hookrun_journal_get_run_id (HookrunJournal *self)
{
  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self), NULL);
  return self->ledger == NULL ? NULL : hookrun_record_get_string (self->ledger->header, "id");
}

/**
 * hookrun_journal_get_title:
 * @self: a journal
 *
 * Gets what the current run is about, as it was given to [method@Hookrun.Pipeline.run].
 *
 * Returns: (transfer none) (nullable): the title, or %NULL when there is no run
 *
 * Since: 1.0
 */
const char *
hookrun_journal_get_title (HookrunJournal *self)
{
  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self), NULL);
  return self->ledger == NULL ? NULL : hookrun_record_get_string (self->ledger->header, "title");
}

/**
 * hookrun_journal_get_holder:
 * @self: a journal
 *
 * Gets the process that has the journal open for a run, as it is now.
 *
 * Returns: the process number; 0 when none has it
 *
 * Since: 1.0
 */
int
hookrun_journal_get_holder (HookrunJournal *self)
{
  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self), 0);
  return hookrun_journal_lock_holder (self);
}

/**
 * hookrun_journal_set_keep:
 * @self: a journal
 * @keep: how many earlier runs are kept; 20 at first
 *
 * Sets how many archived runs stay when the next one begins. Older ones are removed then.
 *
 * Since: 1.0
 */
void
hookrun_journal_set_keep (HookrunJournal *self, guint keep)
{
  g_return_if_fail (HOOKRUN_IS_JOURNAL (self));
  self->keep = keep;
}
