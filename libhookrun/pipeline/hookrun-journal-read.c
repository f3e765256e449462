/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading journals back: the current run's file and the archived ones. */
#include "hookrun-file-private.h"
#include "hookrun-error-private.h"
#include "hookrun-journal-private.h"
#include "hookrun-patch-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARCHIVE_DIGITS 6

/* Its records decide what is undone, so they must be the user's own. */
static gboolean
check_trust (HookrunJournal *self, const char *file, GError **error)
{
  g_autofree char *what = g_strdup_printf ("journal \"%s/%s\"", self->folder, file);
  struct stat st;

  if (fstatat (self->folder_fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot examine %s", what);
    return FALSE;
  }
  if (!S_ISREG (st.st_mode)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED, "%s is not a regular file", what);
    return FALSE;
  }
  return hookrun_file_check_trust (&st, what, error);
}

static HookrunRecordResult
apply_next (HookrunRecordReader *reader, HookrunLedger *ledger, GPtrArray *records, GError **error)
{
  JsonNode *record = NULL;
  HookrunRecordResult result = hookrun_record_reader_next (reader, &record, error);

  if (result != HOOKRUN_RECORD_READ)
    return result;
  g_ptr_array_add (records, record);
  if (hookrun_ledger_apply (ledger, json_node_get_object (record), error))
    return result;
  g_prefix_error (error, "record %u makes no sense: ", reader->number);
  return HOOKRUN_RECORD_DAMAGED;
}

gboolean
hookrun_journal_read_file (HookrunJournal *self, const char *file, HookrunLedger **ledger,
                           GPtrArray **records, HookrunRecordSum sum, off_t *good, GError **error)
{
  g_autoptr (HookrunLedger) new_ledger = hookrun_ledger_new ();
  g_autoptr (GPtrArray) new_records =
      g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);
  g_autofree char *text = NULL;
  HookrunRecordReader reader;
  HookrunRecordResult result;
  gsize length;

  if (!check_trust (self, file, error))
    return FALSE;
  text = hookrun_file_read_at (self->folder_fd, file, HOOKRUN_JOURNAL_MAX_SIZE, &length, error);
  if (text == NULL)
    return FALSE;
  hookrun_record_reader_init (&reader, text, length);
  do
    result = apply_next (&reader, new_ledger, new_records, error);
  while (result == HOOKRUN_RECORD_READ);
  if (result == HOOKRUN_RECORD_DAMAGED) {
    g_prefix_error (error, "journal \"%s/%s\": ", self->folder, file);
    return FALSE;
  }
  memcpy (sum, reader.sum, sizeof (HookrunRecordSum));
  *good = (off_t)reader.offset;
  *ledger = g_steal_pointer (&new_ledger);
  *records = g_steal_pointer (&new_records);
  return TRUE;
}

char *
hookrun_journal_archive_name (HookrunJournal *self, guint number)
{
  return g_strdup_printf ("%s.%0*u.journal", self->name, ARCHIVE_DIGITS, number);
}

/* 0: not an archive of this journal */
static guint
archive_number (HookrunJournal *self, const char *file)
{
  gsize prefix = strlen (self->name);
  g_autofree char *expected = NULL;
  guint number;

  if (!g_str_has_prefix (file, self->name) || file[prefix] != '.')
    return 0;
  number = (guint)strtoul (file + prefix + 1, NULL, 10);
  expected = hookrun_journal_archive_name (self, number);
  return g_str_equal (file, expected) ? number : 0;
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  guint left = *(const guint *)a;
  guint right = *(const guint *)b;

  return left < right ? -1 : left > right;
}

GArray *
hookrun_journal_list_archives (HookrunJournal *self, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (guint));
  const struct dirent *entry;
  DIR *dir;
  int fd;

  if (self->folder_fd < 0)
    return g_steal_pointer (&numbers);
  fd = hookrun_file_open_folder (self->folder_fd, ".", error);
  if (fd < 0)
    return NULL;
  dir = fdopendir (fd);
  if (dir == NULL) {
    hookrun_set_error_from_errno (error, errno, "cannot list folder \"%s\"", self->folder);
    close (fd);
    return NULL;
  }
  while ((entry = readdir (dir)) != NULL) {
    guint number = archive_number (self, entry->d_name);

    if (number > 0)
      g_array_append_val (numbers, number);
  }
  closedir (dir);
  g_array_sort (numbers, compare_numbers);
  return g_steal_pointer (&numbers);
}

static void
add_holder (HookrunJournal *self, JsonObject *status)
{
  if (self->ledger->state == HOOKRUN_RUN_UNFINISHED)
    json_object_set_int_member (status, "holder", hookrun_journal_get_holder (self));
}

/**
 * hookrun_journal_get_status:
 * @self: a journal
 *
 * Gets the status of the current run: `{"state", "rolling_back", "number", "id", "pipeline",
 * "title", "time", "failure": {"step", "code", "message"}, "steps": [{"name", "state", …}],
 * "problems": […]}`; states are the nicks of [enum@Hookrun.RunState] and
 * [enum@Hookrun.StepState]. While the state is `unfinished`, "holder" is the number of the process
 * that runs it, or 0 when that died. `{"state": "none"}` when there is no run.
 *
 * Returns: (transfer full): a JSON object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_journal_get_status (HookrunJournal *self)
{
  JsonNode *node = json_node_alloc ();
  JsonObject *status;

  if (!HOOKRUN_IS_JOURNAL (self) || self->ledger == NULL) {
    status = json_object_new ();
    json_object_set_string_member (status, "state", hookrun_run_state_nick (HOOKRUN_RUN_NONE));
  } else {
    status = hookrun_ledger_status (self->ledger);
    add_holder (self, status);
  }
  json_node_init_object (node, status);
  json_object_unref (status);
  return node;
}

/**
 * hookrun_journal_get_records:
 * @self: a journal
 *
 * Gets the records of the current run in the order in which they were written; each is an object
 * with at least "n", "time" and "type".
 *
 * Returns: (transfer full): a JSON array
 *
 * Since: 1.0
 */
JsonNode *
hookrun_journal_get_records (HookrunJournal *self)
{
  JsonNode *node = json_node_alloc ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; self->records != NULL && i < self->records->len; i++)
    json_array_add_element (array, hookrun_patch_copy_node (g_ptr_array_index (self->records, i)));
  json_node_init_array (node, array);
  json_array_unref (array);
  return node;
}

/**
 * hookrun_journal_get_data:
 * @self: a journal
 *
 * Gets the data of the current run as it was at the last record: without objects, secrets and keys
 * that start with `_`.
 *
 * Returns: (transfer full) (nullable): a JSON object; %NULL when there is no run
 *
 * Since: 1.0
 */
JsonNode *
hookrun_journal_get_data (HookrunJournal *self)
{
  g_autoptr (JsonObject) data = NULL;

  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self), NULL);
  if (self->ledger == NULL)
    return NULL;
  data = hookrun_patch_copy (self->ledger->data);
  return json_node_init_object (json_node_alloc (), data);
}

/* What cannot be read is listed as what it is. */
static JsonObject *
archived_status (HookrunJournal *self, guint number)
{
  g_autofree char *file = hookrun_journal_archive_name (self, number);
  g_autoptr (HookrunLedger) ledger = NULL;
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GError) error = NULL;
  HookrunRecordSum sum;
  JsonObject *status;
  off_t good;

  if (hookrun_journal_read_file (self, file, &ledger, &records, sum, &good, &error))
    return hookrun_ledger_status (ledger);
  status = json_object_new ();
  json_object_set_string_member (status, "state", "damaged");
  json_object_set_int_member (status, "number", number);
  json_object_set_string_member (status, "message", error->message);
  return status;
}

/**
 * hookrun_journal_list_runs:
 * @self: a journal
 * @error: return location for an error
 *
 * Lists the runs that are kept, oldest first, the current one last, each as
 * [method@Hookrun.Journal.get_status] gives it. An archived run that cannot be read has the state
 * `damaged` and a "message".
 *
 * Returns: (transfer full): a JSON array; %NULL with %HOOKRUN_ERROR_IO or another code for a folder
 *   that cannot be read
 *
 * Since: 1.0
 */
JsonNode *
hookrun_journal_list_runs (HookrunJournal *self, GError **error)
{
  g_autoptr (GArray) numbers = NULL;
  JsonArray *array;
  JsonNode *node;

  g_return_val_if_fail (HOOKRUN_IS_JOURNAL (self), NULL);
  numbers = hookrun_journal_list_archives (self, error);
  if (numbers == NULL)
    return NULL;
  array = json_array_new ();
  for (guint i = 0; i < numbers->len; i++) {
    guint number = g_array_index (numbers, guint, i);

    /* A crash may have left the current run under its archive's name, too. */
    if (self->ledger == NULL || hookrun_record_get_int (self->ledger->header, "number") != number)
      json_array_add_object_element (array, archived_status (self, number));
  }
  if (self->ledger != NULL)
    json_array_add_element (array, hookrun_journal_get_status (self));
  node = json_node_init_array (json_node_alloc (), array);
  json_array_unref (array);
  return node;
}
