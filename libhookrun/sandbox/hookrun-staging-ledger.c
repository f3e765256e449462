/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ledger as a file: locked, read, appended to, rewritten. A write that fails is taken back; a
 * line that a crash tore off is cut away; a line that was damaged later stops everything.
 */
#include "hookrun-staging-ledger-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-record-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEDGER_NAME "ledger"
#define LOCK_NAME "lock"
#define MAX_SIZE (64 * 1024 * 1024)
#define COMPACT_SIZE (1024 * 1024)
#define POLL_US 2000

struct _HookrunStagingLedger {
  int folder_fd; /* the owner's */
  GMutex
      mutex; /* among the threads of this process, which the lock of the file does not tell apart */
  char *path;
  int lock_fd;
  int fd;
  ino_t inode;
  gint64 size; /* of all whole records */
  guint number;
  HookrunRecordSum sum;
  gint64 compact_at;
  HookrunStagingBook *book;
};

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

void
hookrun_staging_ledger_free (HookrunStagingLedger *self)
{
  close_fd (&self->fd);
  close_fd (&self->lock_fd);
  g_clear_pointer (&self->book, hookrun_staging_book_free);
  g_mutex_clear (&self->mutex);
  g_free (self->path);
  g_free (self);
}

HookrunStagingLedger *
hookrun_staging_ledger_open (int folder_fd, const char *folder, GError **error)
{
  g_autoptr (HookrunStagingLedger) self = g_new0 (HookrunStagingLedger, 1);

  g_mutex_init (&self->mutex);
  self->folder_fd = folder_fd;
  self->path = g_build_filename (folder, LEDGER_NAME, NULL);
  self->fd = -1;
  self->compact_at = COMPACT_SIZE;
  self->lock_fd = openat (folder_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->lock_fd >= 0)
    return g_steal_pointer (&self);
  hookrun_set_error_from_errno (error, errno, "cannot open \"%s/" LOCK_NAME "\"", folder);
  return NULL;
}

/* ---- the lock ---- */

static int
read_holder (int fd)
{
  char text[16] = "";
  gssize n = pread (fd, text, sizeof text - 1, 0);

  return n > 0 ? (int)strtol (text, NULL, 10) : 0;
}

static void
write_holder (int fd)
{
  char text[16];
  int length = g_snprintf (text, sizeof text, "%-10d\n", (int)getpid ());

  /* Only a message misses it when this fails. */
  if (pwrite (fd, text, (gsize)length, 0) < 0)
    return;
}

/* FALSE without @error when somebody else has it. */
static gboolean
try_lock (HookrunStagingLedger *self, GError **error)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int problem;

  if (!g_mutex_trylock (&self->mutex))
    return FALSE;
  if (fcntl (self->lock_fd, F_OFD_SETLK, &lock) == 0)
    return TRUE;
  problem = errno;
  g_mutex_unlock (&self->mutex);
  if (problem != EAGAIN && problem != EACCES && problem != EINTR)
    hookrun_set_error_from_errno (error, problem, "cannot lock \"%s\"", self->path);
  return FALSE;
}

static gboolean
wait_for_lock (HookrunStagingLedger *self, guint wait_ms, GCancellable *cancellable, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + (gint64)wait_ms * 1000;
  GError *problem = NULL;

  while (!try_lock (self, &problem)) {
    if (problem != NULL) {
      g_propagate_error (error, problem);
      return FALSE;
    }
    if (g_cancellable_is_cancelled (cancellable)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                   "cancelled while \"%s\" was in use; nothing was changed", self->path);
      return FALSE;
    }
    if (g_get_monotonic_time () >= deadline) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY,
                   "staged files are in use by process %d (\"%s\"); try again when it is done",
                   read_holder (self->lock_fd), self->path);
      return FALSE;
    }
    g_usleep (POLL_US);
  }
  return TRUE;
}

void
hookrun_staging_ledger_unlock (HookrunStagingLedger *self)
{
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

  fcntl (self->lock_fd, F_OFD_SETLK, &lock);
  g_mutex_unlock (&self->mutex);
}

/* ---- reading ---- */

static gboolean
open_file (HookrunStagingLedger *self, struct stat *st, GError **error)
{
  close_fd (&self->fd);
  self->fd = openat (self->folder_fd, LEDGER_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->fd < 0 || fstat (self->fd, st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s\"", self->path);
    return FALSE;
  }
  /* That it exists must last before a record in it does. */
  if (st->st_size == 0 && fsync (self->folder_fd) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot sync the folder of \"%s\"", self->path);
    return FALSE;
  }
  return TRUE;
}

static gboolean
replay (HookrunStagingLedger *self, HookrunRecordReader *reader, gboolean *torn, GError **error)
{
  for (;;) {
    g_autoptr (JsonNode) record = NULL;
    HookrunRecordResult result = hookrun_record_reader_next (reader, &record, error);

    *torn = result == HOOKRUN_RECORD_TORN;
    if (result == HOOKRUN_RECORD_END || result == HOOKRUN_RECORD_TORN)
      return TRUE;
    if (result == HOOKRUN_RECORD_DAMAGED)
      return FALSE;
    if (!hookrun_staging_book_apply (self->book, json_node_get_object (record), error)) {
      g_prefix_error (error, "record %u: ", reader->number);
      return FALSE;
    }
  }
}

static gboolean
read_all (HookrunStagingLedger *self, GError **error)
{
  HookrunRecordReader reader;
  gboolean torn = FALSE;
  gsize length = 0;
  g_autofree char *text =
      hookrun_file_read_at (self->folder_fd, LEDGER_NAME, MAX_SIZE, &length, error);

  if (text == NULL)
    return FALSE;
  g_clear_pointer (&self->book, hookrun_staging_book_free);
  self->book = hookrun_staging_book_new ();
  hookrun_record_reader_init (&reader, text, length);
  if (!replay (self, &reader, &torn, error)) {
    g_clear_pointer (&self->book, hookrun_staging_book_free);
    g_prefix_error (error, "ledger \"%s\": ", self->path);
    return FALSE;
  }
  if (torn && ftruncate (self->fd, (off_t)reader.offset) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot cut the torn end of \"%s\"", self->path);
    return FALSE;
  }
  self->size = (gint64)reader.offset;
  self->number = reader.number;
  memcpy (self->sum, reader.sum, sizeof self->sum);
  return TRUE;
}

/* Reads the ledger again when another process has written to it or put a new one in its place. */
static gboolean
refresh (HookrunStagingLedger *self, GError **error)
{
  struct stat st;

  if (self->fd >= 0 && self->book != NULL &&
      fstatat (self->folder_fd, LEDGER_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      st.st_ino == self->inode && st.st_size == self->size)
    return TRUE;
  if (!open_file (self, &st, error) || !read_all (self, error)) {
    close_fd (&self->fd);
    return FALSE;
  }
  self->inode = st.st_ino;
  return TRUE;
}

gboolean
hookrun_staging_ledger_lock (HookrunStagingLedger *self, guint wait_ms, GCancellable *cancellable,
                             GError **error)
{
  if (!wait_for_lock (self, wait_ms, cancellable, error))
    return FALSE;
  write_holder (self->lock_fd);
  if (refresh (self, error))
    return TRUE;
  hookrun_staging_ledger_unlock (self);
  return FALSE;
}

HookrunStagingBook *
hookrun_staging_ledger_get_book (HookrunStagingLedger *self)
{
  return self->book;
}

/* ---- writing ---- */

/* (transfer full): the line of @record. */
static char *
format_line (JsonObject *record, guint number, HookrunRecordSum sum, GError **error)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_int_member (record, "n", number);
  json_node_set_object (node, record);
  return hookrun_record_format (node, sum, error);
}

static gboolean
write_line (HookrunStagingLedger *self, const char *line, gboolean sync, GError **error)
{
  gsize length = strlen (line);
  gsize done = 0;

  while (done < length) {
    gssize n = pwrite (self->fd, line + done, length - done, (off_t)(self->size + (gint64)done));

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      hookrun_set_error_from_errno (error, errno, "cannot write \"%s\"", self->path);
      return FALSE;
    }
    done += (gsize)n;
  }
  if (!sync || fdatasync (self->fd) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot sync \"%s\"", self->path);
  return FALSE;
}

/* A record that could not be written must not come to light later. */
static void
take_back (HookrunStagingLedger *self)
{
  if (ftruncate (self->fd, (off_t)self->size) == 0 && fdatasync (self->fd) == 0)
    return;
  /* Whether it is there is for the next reader to find out. */
  g_clear_pointer (&self->book, hookrun_staging_book_free);
  close_fd (&self->fd);
}

gboolean
hookrun_staging_ledger_append (HookrunStagingLedger *self, JsonObject *record, gboolean sync,
                               GError **error)
{
  g_autoptr (JsonObject) owned = record;
  HookrunRecordSum sum;
  g_autofree char *line = NULL;

  if (self->fd < 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO,
                 "nothing more is written to \"%s\" after an earlier failure", self->path);
    return FALSE;
  }
  memcpy (sum, self->sum, sizeof sum);
  line = format_line (owned, self->number + 1, sum, error);
  if (line == NULL)
    return FALSE;
  if (!write_line (self, line, sync, error)) {
    take_back (self);
    return FALSE;
  }
  self->size += (gint64)strlen (line);
  self->number++;
  memcpy (self->sum, sum, sizeof sum);
  return hookrun_staging_book_apply (self->book, owned, error);
}

static char *
render (HookrunStagingLedger *self, GError **error)
{
  g_autoptr (GPtrArray) records = hookrun_staging_book_records (self->book);
  g_autoptr (GString) text = g_string_new (NULL);
  HookrunRecordSum sum;

  hookrun_record_sum_init (sum);
  for (guint i = 0; i < records->len; i++) {
    g_autofree char *line = format_line (records->pdata[i], i + 1, sum, error);

    if (line == NULL)
      return NULL;
    g_string_append (text, line);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
hookrun_staging_ledger_compact (HookrunStagingLedger *self, gboolean *rewritten, GError **error)
{
  g_autofree char *text = NULL;

  *rewritten = FALSE;
  if (self->fd < 0 || self->size < self->compact_at)
    return TRUE;
  text = render (self, error);
  if (text == NULL ||
      !hookrun_file_replace_at (self->folder_fd, LEDGER_NAME, text, strlen (text), 0600, error))
    return FALSE;
  close_fd (&self->fd);
  self->compact_at = MAX (COMPACT_SIZE, 2 * (gint64)strlen (text));
  *rewritten = TRUE;
  return refresh (self, error);
}
