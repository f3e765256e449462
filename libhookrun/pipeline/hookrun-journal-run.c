/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a run in its journal: begun in a new file, which takes the place of the one before it
 * when it is whole, appended to, given up.
 */
#include "hookrun-journal-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

HookrunLedger *
hookrun_journal_get_ledger (HookrunJournal *self)
{
  return self->ledger;
}

void
hookrun_journal_set_fault_hook (HookrunJournal *self, HookrunJournalFault fault, gpointer user_data)
{
  self->fault = fault;
  self->fault_data = user_data;
}

static gboolean
check_writable (HookrunJournal *self, GError **error)
{
  if (self->broken != NULL) {
    g_propagate_error (error, g_error_copy (self->broken));
    return FALSE;
  }
  if (self->lock_fd >= 0)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
               "journal \"%s\" is closed or open for reading only", self->path);
  return FALSE;
}

gboolean
hookrun_journal_append (HookrunJournal *self, JsonObject *record, gboolean last_resort,
                        GError **error)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%fZ");
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), record);
  g_autofree char *line = NULL;
  HookrunRecordSum sum;

  if (!check_writable (self, error))
    return FALSE;
  json_object_set_int_member (record, "n", self->records->len + 1);
  json_object_set_string_member (record, "time", time);
  memcpy (sum, self->sum, sizeof sum);
  line = hookrun_record_format (node, sum, error);
  if (line == NULL || !hookrun_journal_write_line (self, line, last_resort, error))
    return FALSE;
  memcpy (self->sum, sum, sizeof sum);
  g_ptr_array_add (self->records, g_steal_pointer (&node));
  return hookrun_ledger_apply (self->ledger, record, error);
}

static void
prune (HookrunJournal *self)
{
  g_autoptr (GArray) numbers = hookrun_journal_list_archives (self, NULL);

  for (guint i = 0; numbers != NULL && i + self->keep < numbers->len; i++) {
    g_autofree char *file = hookrun_journal_archive_name (self, g_array_index (numbers, guint, i));

    unlinkat (self->folder_fd, file, 0); /* tidiness only */
  }
}

/* What an open journal knows of its current run. */
typedef struct {
  int fd;
  off_t size;
  off_t reserved;
  HookrunRecordSum sum;
  GPtrArray *records;
  HookrunLedger *ledger;
} Run;

static Run
take_run (HookrunJournal *self)
{
  Run run = {.fd = self->fd, .size = self->size, .reserved = self->reserved};

  memcpy (run.sum, self->sum, sizeof run.sum);
  run.records = g_steal_pointer (&self->records);
  run.ledger = g_steal_pointer (&self->ledger);
  self->fd = -1;
  self->size = self->reserved = 0;
  hookrun_record_sum_init (self->sum);
  return run;
}

static void
put_run (HookrunJournal *self, Run *run)
{
  self->fd = run->fd;
  self->size = run->size;
  self->reserved = run->reserved;
  memcpy (self->sum, run->sum, sizeof run->sum);
  self->records = g_steal_pointer (&run->records);
  self->ledger = g_steal_pointer (&run->ledger);
}

static void
run_clear (Run *run)
{
  hookrun_journal_close_fd (&run->fd);
  g_clear_pointer (&run->records, g_ptr_array_unref);
  g_clear_pointer (&run->ledger, hookrun_ledger_free);
}

static char *
coming_name (HookrunJournal *self)
{
  return g_strdup_printf (".%s.journal.new", self->name);
}

/* Under a name of its own, until its first record is on disk. What a crash left there is nobody's:
 * the journal is locked. */
static gboolean
create_coming (HookrunJournal *self, const char *coming, GError **error)
{
  if (unlinkat (self->folder_fd, coming, 0) == 0 || errno == ENOENT)
    self->fd = openat (self->folder_fd, coming,
                       O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->fd < 0 || fchmod (self->fd, 0600) < 0) { /* whatever the umask */
    hookrun_set_error_from_errno (error, errno, "cannot make \"%s/%s\", the next journal",
                                  self->folder, coming);
    return FALSE;
  }
  self->ledger = hookrun_ledger_new ();
  self->records = g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);
  hookrun_journal_fault (self, HOOKRUN_JOURNAL_POINT_CREATED);
  return TRUE;
}

static gboolean
is_same_file (int folder_fd, const char *a, const char *b)
{
  struct stat one;
  struct stat other;

  return fstatat (folder_fd, a, &one, AT_SYMLINK_NOFOLLOW) == 0 &&
         fstatat (folder_fd, b, &other, AT_SYMLINK_NOFOLLOW) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

/* The run before gets its archive's name beside the current one, which the coming file then takes:
 * there is a whole journal at every moment. A file system without links has none for a moment. */
static gboolean
put_in_place (HookrunJournal *self, const char *coming, const Run *before, GError **error)
{
  g_autofree char *file = hookrun_journal_current_name (self);
  g_autofree char *archive = NULL;

  if (before->ledger != NULL) {
    archive = hookrun_journal_archive_name (
        self, (guint)hookrun_record_get_int (before->ledger->header, "number"));
    if (linkat (self->folder_fd, file, self->folder_fd, archive, 0) < 0 &&
        !(errno == EEXIST && is_same_file (self->folder_fd, file, archive)))
      renameat (self->folder_fd, file, self->folder_fd, archive);
  }
  hookrun_journal_fault (self, HOOKRUN_JOURNAL_POINT_ARCHIVED);
  if (renameat (self->folder_fd, coming, self->folder_fd, file) < 0)
    hookrun_set_error_from_errno (error, errno, "cannot put journal \"%s\" in its place",
                                  self->path);
  else if (hookrun_journal_sync_folder (self, error))
    return TRUE;
  if (archive != NULL)
    renameat (self->folder_fd, archive, self->folder_fd, file);
  else
    unlinkat (self->folder_fd, file, 0);
  return FALSE;
}

/* When it fails the run before is still the current one. */
static gboolean
begin_anew (HookrunJournal *self, JsonObject *header, GError **error)
{
  g_autofree char *coming = coming_name (self);
  Run before;
  gboolean ok;

  hookrun_journal_release_reserve (self);
  before = take_run (self);
  ok = create_coming (self, coming, error) && hookrun_journal_append (self, header, FALSE, error) &&
       put_in_place (self, coming, &before, error);
  if (!ok) {
    Run failed = take_run (self);

    run_clear (&failed);
    unlinkat (self->folder_fd, coming, 0);
    put_run (self, &before);
    return FALSE;
  }
  run_clear (&before);
  prune (self);
  return TRUE;
}

static guint
next_number (HookrunJournal *self, GArray *archives)
{
  guint last = archives->len == 0 ? 0 : g_array_index (archives, guint, archives->len - 1);

  if (self->ledger != NULL)
    last = MAX (last, (guint)hookrun_record_get_int (self->ledger->header, "number"));
  return last + 1;
}

gboolean
hookrun_journal_begin (HookrunJournal *self, JsonObject *header, GError **error)
{
  g_autoptr (GArray) archives = NULL;
  g_autofree char *id = g_uuid_string_random ();

  if (!check_writable (self, error))
    return FALSE;
  if (self->ledger != NULL && hookrun_ledger_is_open (self->ledger)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
                 "the run before (\"%s\", in journal \"%s\") is %s; resume it, roll it back or "
                 "abandon it first",
                 hookrun_journal_get_title (self), self->path,
                 hookrun_run_state_nick (self->ledger->state));
    return FALSE;
  }
  archives = hookrun_journal_list_archives (self, error);
  if (archives == NULL)
    return FALSE;
  json_object_set_string_member (header, "type", "run");
  json_object_set_int_member (header, "format", HOOKRUN_LEDGER_FORMAT);
  json_object_set_string_member (header, "id", id);
  json_object_set_int_member (header, "number", next_number (self, archives));
  json_object_set_int_member (header, "pid", (gint64)getpid ());
  return begin_anew (self, header, error);
}

/**
 * hookrun_journal_abandon:
 * @self: a journal, not read-only
 * @reason: why, for those who read the journal later
 * @error: return location for an error
 *
 * Gives the current run up: it is neither resumed nor rolled back, and nothing that it did is
 * undone. For a person who has put things right by hand.
 *
 * Returns: %TRUE when it is recorded; %FALSE with %HOOKRUN_ERROR_NOT_FOUND when no run is open,
 *   %HOOKRUN_ERROR_PERMISSION for a read-only journal, %HOOKRUN_ERROR_NO_SPACE or
 *   %HOOKRUN_ERROR_IO when it cannot be written
 *
 * Since: 1.0
 */
gboolean
hookrun_journal_abandon (HookrunJournal *self, const char *reason, GError **error)
{
  g_autoptr (JsonObject) record = NULL;

  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self) && reason != NULL, FALSE);
  if (!check_writable (self, error))
    return FALSE;
  if (self->ledger == NULL || !hookrun_ledger_is_open (self->ledger)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "journal \"%s\" has no unfinished run to abandon", self->path);
    return FALSE;
  }
  record = json_object_new ();
  json_object_set_string_member (record, "type", "end");
  json_object_set_string_member (record, "state", hookrun_run_state_nick (HOOKRUN_RUN_ABANDONED));
  json_object_set_string_member (record, "message", reason);
  return hookrun_journal_append (self, record, TRUE, error);
}
