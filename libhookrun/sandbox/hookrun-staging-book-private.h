/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the ledger of a state folder says, record by record: which commit is open, which are done,
 * what is pending, what the user wants always and never. Its records are untrusted input.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "hookrun-staging-folder-private.h"
#include "hookrun-staging-version-private.h"
#include "hookrun-staging.h"

G_BEGIN_DECLS

#define HOOKRUN_STAGING_TEMPORARY_PREFIX ".hookrun-"
#define HOOKRUN_STAGING_MAX_ENTRIES 1024
#define HOOKRUN_STAGING_KEEP_COMMITS 100

/* One file of a commit. */
typedef struct {
  char *path;      /* without a symbolic link in its folder */
  char *temporary; /* the name beside it that the new version gets first, the old one last */
  HookrunStagedVersion *old;
  HookrunStagedVersion *new;
  guint64 pending; /* the pending change it settles; 0: none */
  /* While it is at work: */
  HookrunStagingFolder *folder;
  char *name;
  int fd;              /* the new version without a name yet; or -1 */
  gboolean must_copy;  /* the displaced file cannot simply move to the state folder */
  gboolean needs_name; /* its filesystem has no files without names */
  gboolean made_early; /* so it has the temporary name before the record */
} HookrunStagingEntry;

typedef enum {
  HOOKRUN_STAGING_COMMIT_OPEN,
  HOOKRUN_STAGING_COMMIT_DONE,
  HOOKRUN_STAGING_COMMIT_BACK,
  HOOKRUN_STAGING_COMMIT_ABANDONED,
} HookrunStagingCommitState;

struct _HookrunStagingCommit {
  gatomicrefcount ref_count;
  guint64 id;
  gint64 time_us;
  char *module;
  guint64 undoes;
  guint64 undone_by;
  HookrunStagingCommitState state;
  GPtrArray *entries;
};

HookrunStagingEntry *hookrun_staging_entry_new (const char *path, HookrunStagedVersion *old,
                                                HookrunStagedVersion *new);
void hookrun_staging_entry_free (gpointer data);

HookrunStagingCommit *hookrun_staging_commit_new (const char *module);
JsonObject *hookrun_staging_commit_to_json (HookrunStagingCommit *self);
HookrunStagingCommit *hookrun_staging_commit_from_json (JsonObject *record, GError **error);

/* Name in the kept folder of what entry @index displaced. */
char *hookrun_staging_commit_kept_name (const HookrunStagingCommit *self, guint index);

typedef struct {
  guint64 id;
  gint64 time_us;
  char *module;
  char *path;
  HookrunStagedVersion *old;
  HookrunStagedVersion *new;
} HookrunStagingPending;

typedef struct {
  guint64 next_id;
  GHashTable *choices;        /* "MODULE\nPATH" -> answer */
  GPtrArray *pending;         /* HookrunStagingPending */
  GPtrArray *commits;         /* done or abandoned, oldest first */
  HookrunStagingCommit *open; /* (nullable) */
  char **early;               /* (nullable): paths of temporary files of a commit not begun yet */
} HookrunStagingBook;

HookrunStagingBook *hookrun_staging_book_new (void);
void hookrun_staging_book_free (HookrunStagingBook *self);
gboolean hookrun_staging_book_apply (HookrunStagingBook *self, JsonObject *record, GError **error);
/* (transfer container): the fewest records that give the same book. */
GPtrArray *hookrun_staging_book_records (HookrunStagingBook *self);

HookrunStagingPending *hookrun_staging_book_find_pending (HookrunStagingBook *self, guint64 id);
HookrunStagingCommit *hookrun_staging_book_find_commit (HookrunStagingBook *self, guint64 id);
JsonObject *hookrun_staging_pending_to_json (const HookrunStagingPending *self);
void hookrun_staging_pending_free (gpointer data);

char *hookrun_staging_choice_key (const char *module, const char *path);
JsonObject *hookrun_staging_choice_to_json (const char *key, HookrunStagingAnswer answer);

/* "op" and, unless 0, "id". */
JsonObject *hookrun_staging_record_new (const char *op, guint64 id);
gboolean hookrun_staging_module_is_good (const char *module);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunStagingBook, hookrun_staging_book_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunStagingPending, hookrun_staging_pending_free)

G_END_DECLS
