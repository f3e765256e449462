/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing a journal: a line is whole and on disk, or it is taken back. Space is reserved ahead of
 * the writes, so that a full disk shows before an effect and undoing can still be recorded.
 */
#include "hookrun-error-private.h"
#include "hookrun-journal-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Undoing writes a few hundred bytes a step. */
#define RESERVE (64 * 1024)

int
hookrun_journal_fault (HookrunJournal *self, HookrunJournalPoint point)
{
  return self->fault == NULL ? 0 : self->fault (point, self->fault_data);
}

static int
allocate (HookrunJournal *self, off_t wanted)
{
  int injected = hookrun_journal_fault (self, HOOKRUN_JOURNAL_POINT_RESERVE);
  int result;

  if (injected != 0)
    return injected;
  do
    result = fallocate (self->fd, FALLOC_FL_KEEP_SIZE, self->size, wanted - self->size);
  while (result < 0 && errno == EINTR);
  return result < 0 ? errno : 0;
}

/* File systems that cannot reserve are used without. */
static gboolean
reserve (HookrunJournal *self, gsize length, GError **error)
{
  off_t needed = self->size + (off_t)length + RESERVE;
  int problem;

  if (needed <= self->reserved)
    return TRUE;
  problem = allocate (self, needed + RESERVE);
  if (problem == ENOSPC || problem == EDQUOT || problem == EFBIG) {
    hookrun_set_error_from_errno (
        error, problem, "no room for journal \"%s\"; make some, then %s", self->path,
        self->size == 0 ? "start again: nothing was begun" : "resume or roll back");
    return FALSE;
  }
  self->reserved = needed + RESERVE;
  return TRUE;
}

void
hookrun_journal_release_reserve (HookrunJournal *self)
{
  if (self->fd < 0 || self->reserved <= self->size)
    return;
  if (ftruncate (self->fd, self->size) == 0) /* else a later file has less room, no more */
    self->reserved = self->size;
}

static int
write_part (HookrunJournal *self, const char *text, gsize length)
{
  while (length > 0) {
    gssize n = write (self->fd, text, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n < 0 ? errno : EIO;
    text += n;
    length -= (gsize)n;
  }
  return 0;
}

/* In one write, but in two where a test wants to see it cut off. */
static int
write_whole (HookrunJournal *self, const char *line, gsize length)
{
  gsize half = self->fault == NULL ? 0 : length / 2;
  int problem = hookrun_journal_fault (self, HOOKRUN_JOURNAL_POINT_BEFORE_WRITE);

  if (problem == 0 && half > 0)
    problem = write_part (self, line, half);
  if (problem == 0 && half > 0)
    problem = hookrun_journal_fault (self, HOOKRUN_JOURNAL_POINT_HALF_WRITTEN);
  return problem != 0 ? problem : write_part (self, line + half, length - half);
}

/* A record that could not be written must not be there: what is now refused may be done later. */
static void
take_back (HookrunJournal *self, const GError *why)
{
  if (ftruncate (self->fd, self->size) == 0 && fdatasync (self->fd) == 0)
    return;
  self->broken = g_error_copy (why);
  g_prefix_error (&self->broken, "nothing more is written after an earlier failure: ");
}

static gboolean
sync_line (HookrunJournal *self, GError **error)
{
  int problem = hookrun_journal_fault (self, HOOKRUN_JOURNAL_POINT_WRITTEN);

  if (problem == 0 && fdatasync (self->fd) < 0)
    problem = errno;
  if (problem == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, problem, "cannot sync journal \"%s\"", self->path);
  return FALSE;
}

gboolean
hookrun_journal_write_line (HookrunJournal *self, const char *line, gboolean last_resort,
                            GError **error)
{
  gsize length = strlen (line);
  GError *problem = NULL;
  int code;

  if (self->size + (off_t)length > HOOKRUN_JOURNAL_MAX_SIZE - (last_resort ? 0 : RESERVE)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "journal \"%s\" would exceed its limit of %d bytes", self->path,
                 HOOKRUN_JOURNAL_MAX_SIZE);
    return FALSE;
  }
  if (!last_resort && !reserve (self, length, error))
    return FALSE;
  code = write_whole (self, line, length);
  if (code != 0)
    hookrun_set_error_from_errno (&problem, code, "cannot write journal \"%s\"", self->path);
  if (problem == NULL)
    sync_line (self, &problem);
  if (problem != NULL) {
    take_back (self, problem);
    g_propagate_error (error, problem);
    return FALSE;
  }
  self->size += (off_t)length;
  hookrun_journal_fault (self, HOOKRUN_JOURNAL_POINT_SYNCED);
  return TRUE;
}
