/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the pipeline: writing a journal. For its parts: what an open journal consists of. */
#pragma once

#include <sys/types.h>

#include "hookrun-journal.h"
#include "hookrun-ledger-private.h"
#include "hookrun-record-private.h"

G_BEGIN_DECLS

/* Makes a file with @header as its first record and puts it in the place of the run before it,
 * which is archived. When it fails that run is still the current one. CONFLICT when it is
 * unfinished. */
gboolean hookrun_journal_begin (HookrunJournal *self, JsonObject *header, GError **error);

/* Numbers @record, writes it, syncs it, applies it to the ledger. When it fails the record is not
 * there. @last_resort also takes the space that is kept back for undoing on a full disk. */
gboolean hookrun_journal_append (HookrunJournal *self, JsonObject *record, gboolean last_resort,
                                 GError **error);

/* (nullable): NULL when there is no run */
HookrunLedger *hookrun_journal_get_ledger (HookrunJournal *self);

/* Seam for tests: called at each point of each write, where the test kills the process or gives an
 * errno to fail with. */
typedef enum {
  HOOKRUN_JOURNAL_POINT_ARCHIVED,
  HOOKRUN_JOURNAL_POINT_CREATED,
  HOOKRUN_JOURNAL_POINT_RESERVE,
  HOOKRUN_JOURNAL_POINT_BEFORE_WRITE,
  HOOKRUN_JOURNAL_POINT_HALF_WRITTEN,
  HOOKRUN_JOURNAL_POINT_WRITTEN,
  HOOKRUN_JOURNAL_POINT_SYNCED,
} HookrunJournalPoint;

typedef int (*HookrunJournalFault) (HookrunJournalPoint point, gpointer user_data);

void hookrun_journal_set_fault_hook (HookrunJournal *self, HookrunJournalFault fault,
                                     gpointer user_data);

/* ---- for hookrun-journal*.c ---- */

/* All journals of all versions stay below it, so reading one back has a limit. */
#define HOOKRUN_JOURNAL_MAX_SIZE (64 * 1024 * 1024)

struct _HookrunJournal {
  GObject parent_instance;
  char *folder;
  char *name;
  char *path;
  HookrunJournalFlags flags;
  int folder_fd; /* -1: there is no such folder (only when reading) */
  int lock_fd;
  int fd; /* -1: no run, or only for reading */
  off_t size;
  off_t reserved;
  HookrunRecordSum sum;
  GPtrArray *records; /* JsonNode */
  HookrunLedger *ledger;
  GError *broken; /* after it nothing is written any more */
  guint keep;
  HookrunJournalFault fault;
  gpointer fault_data;
};

/* hookrun-journal.c */
char *hookrun_journal_current_name (HookrunJournal *self);
gboolean hookrun_journal_sync_folder (HookrunJournal *self, GError **error);
void hookrun_journal_close_fd (int *fd);

/* hookrun-journal-lock.c */
gboolean hookrun_journal_lock (HookrunJournal *self, GError **error);
int hookrun_journal_lock_holder (HookrunJournal *self);

/* hookrun-journal-read.c */

/* Reads @file into a new ledger and records. *good is the length of its whole records; a torn one
 * may follow. */
gboolean hookrun_journal_read_file (HookrunJournal *self, const char *file, HookrunLedger **ledger,
                                    GPtrArray **records, HookrunRecordSum sum, off_t *good,
                                    GError **error);
/* (transfer full): numbers of the archived runs, ascending */
GArray *hookrun_journal_list_archives (HookrunJournal *self, GError **error);
char *hookrun_journal_archive_name (HookrunJournal *self, guint number);

/* hookrun-journal-write.c */
gboolean hookrun_journal_write_line (HookrunJournal *self, const char *line, gboolean last_resort,
                                     GError **error);
/* Gives back the room that was kept for more lines. */
void hookrun_journal_release_reserve (HookrunJournal *self);
int hookrun_journal_fault (HookrunJournal *self, HookrunJournalPoint point);

G_END_DECLS
