/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of what is in a tree: made here by walking it without following links, or read from what
 * a target's script printed. The latter is untrusted: a name that could leave the tree is refused.
 */
#include "hookrun-sync-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#define MAX_ENTRIES 4000000u
#define MAX_DEPTH 256

static void
entry_free (gpointer data)
{
  HookrunManifestEntry *entry = data;

  g_free (entry->path);
  g_free (entry->link);
  g_free (entry->hash);
  g_free (entry);
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const HookrunManifestEntry *const *first = a;
  const HookrunManifestEntry *const *second = b;

  return strcmp ((*first)->path, (*second)->path);
}

HookrunManifestEntry *
hookrun_tree_manifest_find (HookrunTreeManifest *self, const char *path)
{
  guint low = 0;
  guint high = self->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    HookrunManifestEntry *entry = self->pdata[middle];
    int order = strcmp (path, entry->path);

    if (order == 0)
      return entry;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

typedef struct {
  const HookrunSyncOptions *options;
  GCancellable *cancellable;
  HookrunTreeManifest *entries;
} Scan;

static char
type_of (mode_t mode)
{
  if (S_ISREG (mode))
    return 'f';
  if (S_ISDIR (mode))
    return 'd';
  return S_ISLNK (mode) ? 'l' : '?';
}

static char *
read_link (int folder_fd, const char *name, const char *path, GError **error)
{
  char buffer[4096];
  gssize n = readlinkat (folder_fd, name, buffer, sizeof buffer);

  if (n >= 0 && (gsize)n < sizeof buffer)
    return g_strndup (buffer, (gsize)n);
  hookrun_set_error_from_errno (error, n < 0 ? errno : ENAMETOOLONG, "cannot read link \"%s\"",
                                path);
  return NULL;
}

static gboolean scan_folder (Scan *scan, int fd, const char *path, guint depth, GError **error);

static gboolean
scan_entry (Scan *scan, int folder_fd, const char *name, const char *path, guint depth,
            GError **error)
{
  HookrunManifestEntry *entry;
  struct stat st;
  int fd;

  if (fstatat (folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot examine \"%s\"", path);
    return FALSE;
  }
  if (type_of (st.st_mode) == '?' ||
      hookrun_sync_is_excluded (scan->options, path, S_ISDIR (st.st_mode)))
    return TRUE;
  entry = g_new0 (HookrunManifestEntry, 1);
  g_ptr_array_add (scan->entries, entry);
  entry->path = g_strdup (path);
  entry->type = type_of (st.st_mode);
  entry->mode = st.st_mode & 07777;
  entry->size = (guint64)st.st_size;
  entry->mtime = st.st_mtim.tv_sec;
  entry->mtime_ns = (guint)st.st_mtim.tv_nsec;
  if (entry->type == 'l') {
    entry->link = read_link (folder_fd, name, path, error);
    return entry->link != NULL;
  }
  if (entry->type == 'f')
    return TRUE;
  fd = openat (folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open folder \"%s\"", path);
    return FALSE;
  }
  return scan_folder (scan, fd, path, depth + 1, error);
}

/* Owns @fd. */
static gboolean
scan_folder (Scan *scan, int fd, const char *path, guint depth, GError **error)
{
  DIR *dir = depth < MAX_DEPTH ? fdopendir (fd) : NULL;
  const struct dirent *item;
  gboolean ok = TRUE;

  if (dir == NULL) {
    close (fd);
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT, "cannot list folder \"%s\"", path);
    return FALSE;
  }
  while (ok && (item = readdir (dir)) != NULL) {
    g_autofree char *below = NULL;

    if (g_str_equal (item->d_name, ".") || g_str_equal (item->d_name, ".."))
      continue;
    if (g_cancellable_is_cancelled (scan->cancellable)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "the sync was cancelled");
      ok = FALSE;
      break;
    }
    below = path[0] != '\0' ? g_strconcat (path, "/", item->d_name, NULL) : g_strdup (item->d_name);
    ok = scan_entry (scan, dirfd (dir), item->d_name, below, depth, error);
  }
  closedir (dir);
  return ok;
}

HookrunTreeManifest *
hookrun_tree_manifest_scan (const char *folder, const HookrunSyncOptions *options,
                            GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (entry_free);
  Scan scan = {options, cancellable, entries};
  int fd = hookrun_file_open_folder (AT_FDCWD, folder, error);

  if (fd < 0 || !scan_folder (&scan, fd, "", 0, error))
    return NULL;
  g_ptr_array_sort (entries, compare_entries);
  return g_steal_pointer (&entries);
}

/* "./a/b": no component may be empty, "." or "..". */
static gboolean
is_safe_name (const char *name)
{
  if (!g_str_has_prefix (name, "./"))
    return FALSE;
  for (const char *at = name + 2;; at += strcspn (at, "/") + 1) {
    gsize length = strcspn (at, "/");

    if (length == 0 || (length == 1 && at[0] == '.') ||
        (length == 2 && at[0] == '.' && at[1] == '.'))
      return FALSE;
    if (at[length] == '\0')
      return TRUE;
  }
}

static gboolean
refuse (const char *what, const char *why, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
               "%s: its list of files is broken: %s; nothing was changed", what, why);
  return FALSE;
}

/* "seconds" or "seconds.fraction"; of the fraction nine digits count. */
static void
parse_time (HookrunManifestEntry *entry, const char *text)
{
  const char *fraction = strchr (text, '.');

  entry->mtime = g_ascii_strtoll (text, NULL, 10);
  if (fraction == NULL)
    return;
  fraction++;
  for (gsize i = 0; i < 9; i++) {
    gboolean is_digit = g_ascii_isdigit (*fraction);

    entry->mtime_ns = entry->mtime_ns * 10 + (is_digit ? (guint)(*fraction - '0') : 0);
    if (is_digit)
      fraction++;
  }
}

/* One record, "type mode size mtime ./path": the letters of find's -printf "%y %m %s %T@ %p". */
static gboolean
parse_head (HookrunManifestEntry *entry, const char *record, const char *what, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (record, " ", 5);
  guint64 mode;
  char *end = NULL;

  if (g_strv_length (parts) != 5 || strlen (parts[0]) != 1 || !is_safe_name (parts[4]))
    return refuse (what, "a record that is none, or an unsafe name", error);
  entry->type = strchr ("fdl", parts[0][0]) != NULL ? parts[0][0] : '?';
  mode = g_ascii_strtoull (parts[1], &end, 8);
  if (end == parts[1] || *end != '\0' || mode > 07777)
    return refuse (what, "a mode that is none", error);
  if (!g_ascii_string_to_unsigned (parts[2], 10, 0, G_MAXINT64, &entry->size, NULL))
    return refuse (what, "a size that is none", error);
  entry->mode = (guint)mode;
  parse_time (entry, parts[3]);
  entry->path = g_strdup (parts[4] + 2);
  return TRUE;
}

/* Fields end with NUL and come in pairs: a head, and the link's target or the file's hash or
 * nothing. The position behind the last pair; NULL and @error when they are broken. */
static const char *
parse_pairs (GPtrArray *entries, const char *at, const char *end, const char *what, GError **error)
{
  while (at < end && *at != '\0') {
    const char *head_end = memchr (at, '\0', (gsize)(end - at));
    const char *extra = head_end != NULL ? head_end + 1 : end;
    const char *extra_end = extra < end ? memchr (extra, '\0', (gsize)(end - extra)) : NULL;
    HookrunManifestEntry *entry;

    if (extra_end == NULL || entries->len == MAX_ENTRIES) {
      refuse (what, extra_end == NULL ? "it ends in the middle" : "it is too long", error);
      return NULL;
    }
    entry = g_new0 (HookrunManifestEntry, 1);
    g_ptr_array_add (entries, entry);
    if (!parse_head (entry, at, what, error))
      return NULL;
    if (extra[0] != '\0' && entry->type == 'l')
      entry->link = g_strdup (extra);
    if (extra[0] != '\0' && entry->type == 'f')
      entry->hash = g_strdup (extra);
    at = extra_end + 1;
  }
  return at;
}

/* "hash  ./path", for entries that are there. */
static gboolean
parse_hashes (GPtrArray *entries, const char *at, const char *end, const char *what, GError **error)
{
  while (at < end) {
    const char *record_end = memchr (at, '\0', (gsize)(end - at));
    const char *name = record_end != NULL ? strstr (at, "  ./") : NULL;
    HookrunManifestEntry *entry =
        name != NULL ? hookrun_tree_manifest_find (entries, name + strlen ("  ./")) : NULL;

    if (name == NULL || name - at != 64)
      return refuse (what, "a hash that is none", error);
    if (entry != NULL && entry->type == 'f' && entry->hash == NULL)
      entry->hash = g_strndup (at, 64);
    at = record_end + 1;
  }
  return TRUE;
}

HookrunTreeManifest *
hookrun_tree_manifest_parse (const char *data, gsize length, const char *what, GError **error)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (entry_free);
  const char *end = data + length;
  const char *at = parse_pairs (entries, data, end, what, error);

  if (at == NULL)
    return NULL;
  g_ptr_array_sort (entries, compare_entries);
  if (at < end && (end - at < 2 || at[1] != '\0')) {
    refuse (what, "something follows its end", error);
    return NULL;
  }
  if (at < end && !parse_hashes (entries, at + 2, end, what, error))
    return NULL;
  return g_steal_pointer (&entries);
}
