/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptions of module files by the SHA-256 of their contents, in one file that is replaced
 * whole. A file that has not been touched since it was hashed is known by its inode and times, so
 * that a listing reads no module at all.
 */
#include "hookrun-describe-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hookrun-file-private.h"

#define CACHE_NAME "descriptions"
#define CACHE_FORMAT 1
/* Mark, format and version of the library, checksum; then the records. A multiple of 8. */
#define HEADER_SIZE 128
#define MAX_CACHE_SIZE (64 * 1024 * 1024)
#define MAX_RECORDS 8192
/* A file that changed this shortly before it was hashed may change again without another time. */
#define RACY_US G_USEC_PER_SEC

#define RECORDS_TYPE "a(aytttxxxsusm(ssa(ssba(ssb))))"

typedef struct {
  char *path;
  guint64 device;
  guint64 inode;
  guint64 size;
  gint64 modified; /* nanoseconds */
  gint64 changed;
  gint64 checked; /* microseconds: when it was hashed */
  char *digest;
  guint32 code;          /* of the problem, plus one; 0: none */
  char *message;         /* of the problem */
  GVariant *description; /* (nullable) */
} Record;

struct _HookrunDescribeCache {
  char *folder;
  GHashTable *by_path;
  GHashTable *by_digest;
  gboolean is_changed;
};

static void
record_free (gpointer data)
{
  Record *record = data;

  g_free (record->path);
  g_free (record->digest);
  g_free (record->message);
  g_clear_pointer (&record->description, g_variant_unref);
  g_free (record);
}

static gint64
nanoseconds (const struct timespec *time)
{
  return (gint64)time->tv_sec * 1000000000 + time->tv_nsec;
}

static void
add_record (HookrunDescribeCache *self, Record *record)
{
  g_hash_table_replace (self->by_path, record->path, record);
  g_hash_table_replace (self->by_digest, g_strdup (record->digest), record->path);
}

/* ---- the file ---- */

static void
make_header (char header[HEADER_SIZE], const void *data, gsize length)
{
  g_autofree char *digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, data, length);

  memset (header, 0, HEADER_SIZE);
  g_snprintf (header, HEADER_SIZE, "hookrun descriptions %d %s %s\n", CACHE_FORMAT,
              hookrun_get_version (), digest);
}

static void
read_records (HookrunDescribeCache *self, GVariant *records)
{
  GVariantIter iter;
  Record r = {0};

  g_variant_iter_init (&iter, records);
  while (g_variant_iter_next (&iter, "(^aytttxxxsusm@(ssa(ssba(ssb))))", &r.path, &r.device,
                              &r.inode, &r.size, &r.modified, &r.changed, &r.checked, &r.digest,
                              &r.code, &r.message, &r.description))
    add_record (self, g_memdup2 (&r, sizeof r));
}

/* Its folder is the user's own; a file in it that others could have written is not read. */
static char *
read_file (HookrunDescribeCache *self, gsize *length)
{
  g_autofree char *path = g_build_filename (self->folder, CACHE_NAME, NULL);
  struct stat st;

  if (lstat (path, &st) < 0 || !S_ISREG (st.st_mode) || !hookrun_file_check_trust (&st, path, NULL))
    return NULL;
  return hookrun_file_read_at (AT_FDCWD, path, MAX_CACHE_SIZE, length, NULL);
}

HookrunDescribeCache *
hookrun_describe_cache_load (const char *folder)
{
  HookrunDescribeCache *self = g_new0 (HookrunDescribeCache, 1);
  g_autoptr (GVariant) records = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) body = NULL;
  char header[HEADER_SIZE];
  gsize length = 0;
  char *text;

  self->folder = g_strdup (folder);
  self->by_path = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, record_free);
  self->by_digest = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  text = folder != NULL ? read_file (self, &length) : NULL;
  bytes = g_bytes_new_take (text, length);
  if (length < HEADER_SIZE)
    return self;
  make_header (header, text + HEADER_SIZE, length - HEADER_SIZE);
  if (memcmp (header, text, HEADER_SIZE) != 0)
    return self;
  /* The descriptions point into the bytes and keep them. */
  body = g_bytes_new_from_bytes (bytes, HEADER_SIZE, length - HEADER_SIZE);
  records =
      g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (RECORDS_TYPE), body, FALSE));
  read_records (self, records);
  return self;
}

void
hookrun_describe_cache_free (HookrunDescribeCache *self)
{
  g_free (self->folder);
  g_hash_table_unref (self->by_digest);
  g_hash_table_unref (self->by_path);
  g_free (self);
}

static int
compare_checked (gconstpointer a, gconstpointer b)
{
  const Record *first = *(const Record *const *)a;
  const Record *second = *(const Record *const *)b;

  return first->checked < second->checked ? 1 : first->checked > second->checked ? -1 : 0;
}

static GVariant *
make_records (HookrunDescribeCache *self)
{
  g_autoptr (GPtrArray) records = g_ptr_array_new ();
  GVariantBuilder builder;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->by_path);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (records, value);
  g_ptr_array_sort (records, compare_checked);
  g_variant_builder_init (&builder, G_VARIANT_TYPE (RECORDS_TYPE));
  for (guint i = 0; i < MIN (records->len, MAX_RECORDS); i++) {
    const Record *r = records->pdata[i];

    g_variant_builder_add (&builder, "(^aytttxxxsusm@(ssa(ssba(ssb))))", r->path, r->device,
                           r->inode, r->size, r->modified, r->changed, r->checked, r->digest,
                           r->code, r->message, r->description);
  }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

gboolean
hookrun_describe_cache_save (HookrunDescribeCache *self, GError **error)
{
  g_autoptr (GVariant) records = NULL;
  g_autofree char *text = NULL;
  gsize length;
  gboolean ok;
  int fd;

  if (!self->is_changed || self->folder == NULL)
    return TRUE;
  if (!hookrun_file_make_folders (self->folder, error))
    return FALSE;
  records = make_records (self);
  length = g_variant_get_size (records);
  text = g_malloc (HEADER_SIZE + length);
  g_variant_store (records, text + HEADER_SIZE);
  make_header (text, text + HEADER_SIZE, length);
  fd = hookrun_file_open_folder (AT_FDCWD, self->folder, error);
  if (fd < 0)
    return FALSE;
  ok = hookrun_file_replace_at (fd, CACHE_NAME, text, HEADER_SIZE + length, 0600, error);
  close (fd);
  self->is_changed = self->is_changed && !ok;
  return ok;
}

/* ---- looking up ---- */

static gboolean
is_same_file (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         nanoseconds (&a->st_mtim) == nanoseconds (&b->st_mtim) &&
         nanoseconds (&a->st_ctim) == nanoseconds (&b->st_ctim);
}

static gboolean
is_untouched (const Record *record, const struct stat *st)
{
  return record->device == (guint64)st->st_dev && record->inode == (guint64)st->st_ino &&
         record->size == (guint64)st->st_size && record->modified == nanoseconds (&st->st_mtim) &&
         record->changed == nanoseconds (&st->st_ctim) &&
         record->changed / 1000 + RACY_US <= record->checked;
}

/* The digest of the file that @set found; none when it is another now. */
void
hookrun_describe_cache_hash (HookrunOperationSet *set)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  const char *kind = hookrun_operation_kind_get_name (set->kind);
  guchar buffer[65536];
  struct stat st;
  gssize n;
  int fd;

  if (set->digest != NULL)
    return;
  fd = open (set->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return;
  /* The same bytes mean something else to another host program. */
  g_checksum_update (checksum, (const guchar *)kind, (gssize)strlen (kind));
  do {
    n = read (fd, buffer, sizeof buffer);
    if (n > 0)
      g_checksum_update (checksum, buffer, n);
  } while (n > 0 || (n < 0 && errno == EINTR));
  if (n == 0 && (fstat (fd, &st) < 0 || !is_same_file (&st, &set->st)))
    n = -1;
  close (fd);
  if (n == 0)
    set->digest = g_strdup (g_checksum_get_string (checksum));
}

static Record *
make_record (const HookrunOperationSet *set, gint64 checked)
{
  Record *record = g_new0 (Record, 1);

  record->path = g_strdup (set->file);
  record->device = (guint64)set->st.st_dev;
  record->inode = (guint64)set->st.st_ino;
  record->size = (guint64)set->st.st_size;
  record->modified = nanoseconds (&set->st.st_mtim);
  record->changed = nanoseconds (&set->st.st_ctim);
  record->checked = checked;
  record->digest = g_strdup (set->digest);
  record->message = g_strdup ("");
  return record;
}

static void
fill (HookrunOperationSet *set, const Record *record)
{
  if (record->description != NULL)
    hookrun_operation_set_take_description (set, record->description);
  else
    hookrun_operation_set_take_problem (
        set, g_error_new_literal (HOOKRUN_ERROR, (int)record->code - 1, record->message));
}

/* The file is new here, or was touched: when its contents are known, they are all that matters. */
static Record *
find_by_contents (HookrunDescribeCache *self, HookrunOperationSet *set)
{
  gint64 now = g_get_real_time ();
  const Record *known = NULL;
  const char *path = NULL;
  Record *record;

  if (g_hash_table_size (self->by_path) > 0)
    hookrun_describe_cache_hash (set);
  if (set->digest != NULL)
    path = g_hash_table_lookup (self->by_digest, set->digest);
  if (path != NULL)
    known = g_hash_table_lookup (self->by_path, path);
  /* Words about one file would be wrong for another. */
  if (known == NULL || !g_str_equal (known->digest, set->digest) ||
      (known->description == NULL && !g_str_equal (known->path, set->file)))
    return NULL;
  record = make_record (set, now);
  record->code = known->code;
  g_free (record->message);
  record->message = g_strdup (known->message);
  if (known->description != NULL)
    record->description = g_variant_ref (known->description);
  add_record (self, record);
  self->is_changed = TRUE;
  return record;
}

gboolean
hookrun_describe_cache_lookup (HookrunDescribeCache *self, HookrunOperationSet *set)
{
  const Record *record = g_hash_table_lookup (self->by_path, set->file);

  if (record == NULL || !is_untouched (record, &set->st))
    record = find_by_contents (self, set);
  if (record == NULL)
    return FALSE;
  fill (set, record);
  return TRUE;
}

void
hookrun_describe_cache_store (HookrunDescribeCache *self, HookrunOperationSet *set,
                              GVariant *description, const GError *problem)
{
  gint64 now = g_get_real_time ();
  struct stat st;
  Record *record;

  if (set->digest == NULL || stat (set->file, &st) < 0 || !is_same_file (&st, &set->st))
    return;
  record = make_record (set, now);
  if (description != NULL) {
    record->description = g_variant_ref (description);
  } else {
    g_free (record->message);
    record->message = g_strdup (problem->message);
    record->code = (guint32)problem->code + 1;
  }
  add_record (self, record);
  self->is_changed = TRUE;
}
