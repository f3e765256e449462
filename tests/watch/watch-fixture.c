/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A watched folder, things to do in it, and the tree as it is believed to be. */
#include "watch-fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-file-private.h"

#define ORDINARY_USER 65534
#define PATIENCE_US (20 * G_USEC_PER_SEC)

static const char *where = "/tmp";
static gboolean may_mount;

/* ---- the process ---- */

/* Before there are threads: a namespace is a thread's. */
static void
take_mounts (void)
{
  may_mount =
      unshare (CLONE_NEWNS) == 0 && mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void
become_ordinary (void)
{
  g_assert_cmpint (setgroups (0, NULL), ==, 0);
  g_assert_cmpint (setresgid (ORDINARY_USER, ORDINARY_USER, ORDINARY_USER), ==, 0);
  g_assert_cmpint (setresuid (ORDINARY_USER, ORDINARY_USER, ORDINARY_USER), ==, 0);
}

void
watch_fixture_init (int *argc, char ***argv)
{
  int n_left = 1;

  for (int i = 1; i < *argc; i++) {
    if (strcmp ((*argv)[i], "--tmpfs") == 0)
      where = "/dev/shm";
    else if (strcmp ((*argv)[i], "--user") == 0 && geteuid () == 0)
      become_ordinary ();
    else if (strcmp ((*argv)[i], "--user") != 0)
      (*argv)[n_left++] = (*argv)[i];
  }
  *argc = n_left;
  if (geteuid () == 0)
    take_mounts ();
  g_test_init (argc, argv, NULL);
}

gboolean
watch_fixture_may_mount (void)
{
  return may_mount;
}

/* ---- the believed tree ---- */

static gboolean
is_within (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  return strncmp (path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* What is at @path and below it, out of the tree. */
static GHashTable *
take_below (WatchPlace *self, const char *path)
{
  GHashTable *taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const char *type = g_hash_table_lookup (self->believed, path);
  GHashTableIter iter;
  gpointer key, value;

  if (type != NULL && *type == 'f') {
    g_hash_table_insert (taken, g_strdup (path), (gpointer)type);
    g_hash_table_remove (self->believed, path);
    return taken;
  }
  g_hash_table_iter_init (&iter, self->believed);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (is_within (key, path)) {
      g_hash_table_insert (taken, g_strdup (key), value);
      g_hash_table_iter_remove (&iter);
    }
  return taken;
}

/* An exchange is two moves in a row: the second brings back what the first one displaced. */
static void
believe_move (WatchPlace *self, HookrunChange *change, HookrunChange *before)
{
  const char *path = hookrun_change_get_path (change);
  const char *old_path = hookrun_change_get_old_path (change);
  static GHashTable *displaced;
  gboolean is_second = before != NULL && hookrun_change_get_kind (before) == HOOKRUN_CHANGE_MOVED &&
                       strcmp (hookrun_change_get_path (before), old_path) == 0 &&
                       strcmp (hookrun_change_get_old_path (before), path) == 0;
  g_autoptr (GHashTable) moved = NULL;
  GHashTableIter iter;
  gpointer key, value;

  if (is_second && displaced != NULL && g_hash_table_size (displaced) > 0) {
    moved = g_steal_pointer (&displaced);
  } else {
    moved = take_below (self, old_path);
    if (g_hash_table_size (moved) == 0)
      g_error ("moved from %s, where nothing was", old_path);
    g_clear_pointer (&displaced, g_hash_table_unref);
    displaced = take_below (self, path);
  }
  g_hash_table_iter_init (&iter, moved);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (self->believed,
                         g_strconcat (path, (const char *)key + strlen (old_path), NULL), value);
}

static void
believe (WatchPlace *self, HookrunChange *change, HookrunChange *before)
{
  const char *path = hookrun_change_get_path (change);
  gboolean is_folder = hookrun_change_get_file_type (change) == G_FILE_TYPE_DIRECTORY;

  switch (hookrun_change_get_kind (change)) {
  case HOOKRUN_CHANGE_CREATED:
    if (!g_hash_table_insert (self->believed, g_strdup (path), (gpointer)(is_folder ? "d" : "f")))
      g_error ("created where something was: %s", path);
    return;
  case HOOKRUN_CHANGE_REMOVED:
    if (!g_hash_table_contains (self->believed, path))
      g_error ("removed what was not there: %s", path);
    g_hash_table_unref (take_below (self, path));
    return;
  case HOOKRUN_CHANGE_MOVED:
    believe_move (self, change, before);
    return;
  case HOOKRUN_CHANGE_CHANGED:
  case HOOKRUN_CHANGE_ATTRIBUTES:
    if (!g_hash_table_contains (self->believed, path) && strcmp (path, self->folder) != 0)
      g_error ("%s: %s, which is not there",
               hookrun_change_kind_get_name (hookrun_change_get_kind (change)), path);
    return;
  default:
    return;
  }
}

static GHashTable *real_tree;

static int
add_real (const char *path, const struct stat *st, int type, struct FTW *walk)
{
  if (walk->level > 0)
    g_hash_table_insert (real_tree, g_strdup (path), (gpointer)(S_ISDIR (st->st_mode) ? "d" : "f"));
  return 0;
}

static GHashTable *
look_at_tree (const char *folder)
{
  real_tree = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  nftw (folder, add_real, 32, FTW_PHYS);
  return g_steal_pointer (&real_tree);
}

static void
tell_missing (GHashTable *tree, GHashTable *other, const char *words, GString *text)
{
  GHashTableIter iter;
  gpointer key, value;
  guint n = 0;

  g_hash_table_iter_init (&iter, tree);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_strcmp0 (g_hash_table_lookup (other, key), value) != 0 && n++ < 20)
      g_string_append_printf (text, "%s: %s %s\n", words, (char *)value, (char *)key);
  if (n > 0)
    g_string_append_printf (text, "%u %s\n", n, words);
}

void
watch_compare (WatchPlace *self)
{
  g_autoptr (GHashTable) real = look_at_tree (self->folder);
  g_autoptr (GString) text = g_string_new (NULL);

  tell_missing (real, self->believed, "there but not believed", text);
  tell_missing (self->believed, real, "believed but not there", text);
  if (text->len > 0)
    g_error ("the believed tree is not the real one:\n%s", text->str);
}

/* ---- the place ---- */

static void
on_changes (HookrunWatcher *watcher, GPtrArray *changes, gpointer user_data)
{
  WatchPlace *self = user_data;

  for (guint i = 0; i < changes->len; i++) {
    HookrunChange *change = g_ptr_array_index (changes, i);
    HookrunChange *before =
        self->changes->len > 0 ? g_ptr_array_index (self->changes, self->changes->len - 1) : NULL;

    believe (self, change, before);
    g_ptr_array_add (self->changes, hookrun_change_ref (change));
  }
  if (self->handler_delay_us > 0)
    g_usleep (self->handler_delay_us);
}

static void
on_problem (HookrunWatcher *watcher, GError *problem, gpointer user_data)
{
  g_error ("problem: %s", problem->message);
}

WatchPlace *
watch_place_prepare (void)
{
  WatchPlace *self = g_new0 (WatchPlace, 1);

  self->top = g_build_filename (where, "hookrun-watch-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (self->top));
  self->folder = g_build_filename (self->top, "w", NULL);
  g_assert_cmpint (mkdir (self->folder, 0755), ==, 0);
  self->watcher = hookrun_watcher_new ();
  self->changes = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_change_unref);
  g_signal_connect (self->watcher, "changes", G_CALLBACK (on_changes), self);
  g_signal_connect (self->watcher, "problem", G_CALLBACK (on_problem), self);
  return self;
}

void
watch_place_start (WatchPlace *self)
{
  g_autoptr (GError) error = NULL;

  hookrun_watcher_add_root (self->watcher, self->folder, HOOKRUN_WATCH_RECURSIVE,
                            HOOKRUN_CHANGE_ALL, &error);
  g_assert_no_error (error);
  self->believed = look_at_tree (self->folder);
  hookrun_watcher_start (self->watcher, NULL, &error);
  g_assert_no_error (error);
}

WatchPlace *
watch_place_new (void)
{
  WatchPlace *self = watch_place_prepare ();

  watch_place_start (self);
  return self;
}

void
watch_place_free (WatchPlace *self)
{
  hookrun_watcher_stop (self->watcher);
  g_object_unref (self->watcher);
  hookrun_file_remove_tree_at (AT_FDCWD, self->top, NULL);
  g_ptr_array_unref (self->changes);
  g_clear_pointer (&self->believed, g_hash_table_unref);
  g_free (self->folder);
  g_free (self->top);
  g_free (self);
}

/* ---- doing ---- */

char *
watch_path (WatchPlace *self, const char *path)
{
  return g_build_filename (self->top, path, NULL);
}

static void
put (WatchPlace *self, const char *path, const char *text, int flags)
{
  g_autofree char *full = watch_path (self, path);
  int fd = open (full, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint ((int)write (fd, text, strlen (text)), ==, (int)strlen (text));
  close (fd);
}

void
watch_write (WatchPlace *self, const char *path, const char *text)
{
  put (self, path, text, O_TRUNC);
}

void
watch_append (WatchPlace *self, const char *path, const char *text)
{
  put (self, path, text, O_APPEND);
}

void
watch_mkdir (WatchPlace *self, const char *path)
{
  g_autofree char *full = watch_path (self, path);

  g_assert_cmpint (mkdir (full, 0755), ==, 0);
}

void
watch_move (WatchPlace *self, const char *from, const char *to)
{
  g_autofree char *full_from = watch_path (self, from);
  g_autofree char *full_to = watch_path (self, to);

  g_assert_cmpint (rename (full_from, full_to), ==, 0);
}

void
watch_remove (WatchPlace *self, const char *path)
{
  g_autofree char *full = watch_path (self, path);
  g_autoptr (GError) error = NULL;

  hookrun_file_remove_tree_at (AT_FDCWD, full, &error);
  g_assert_no_error (error);
}

/* ---- asking ---- */

static gboolean
is_told (const HookrunChange *told, HookrunChangeKind kind, const char *path, const char *old_path)
{
  HookrunChange *change = (HookrunChange *)told;

  return hookrun_change_get_kind (change) == kind &&
         strcmp (hookrun_change_get_path (change), path) == 0 &&
         (old_path == NULL || g_strcmp0 (hookrun_change_get_old_path (change), old_path) == 0);
}

static guint
find (WatchPlace *self, HookrunChangeKind kind, const char *path, const char *old_path)
{
  for (guint i = 0; i < self->changes->len; i++)
    if (is_told (g_ptr_array_index (self->changes, i), kind, path, old_path))
      return i;
  return G_MAXUINT;
}

static void
fail_with_all (WatchPlace *self, HookrunChangeKind kind, const char *path)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < self->changes->len && i < 200; i++) {
    HookrunChange *change = g_ptr_array_index (self->changes, i);
    const char *old_path = hookrun_change_get_old_path (change);

    g_string_append_printf (text, "  %s %s %s\n",
                            hookrun_change_kind_get_name (hookrun_change_get_kind (change)),
                            hookrun_change_get_path (change), old_path != NULL ? old_path : "");
  }
  g_error ("not told: %s %s; %u changes were:\n%s", hookrun_change_kind_get_name (kind), path,
           self->changes->len, text->str);
}

static gboolean
on_timeout (gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

void
watch_run (WatchPlace *self, guint ms)
{
  gboolean is_over = FALSE;

  g_timeout_add (ms, on_timeout, &is_over);
  while (!is_over)
    g_main_context_iteration (NULL, TRUE);
}

void
watch_expect (WatchPlace *self, HookrunChangeKind kind, const char *path, const char *old_path)
{
  g_autofree char *full = watch_path (self, path);
  g_autofree char *full_old = old_path != NULL ? watch_path (self, old_path) : NULL;
  gint64 began = g_get_monotonic_time ();

  while (find (self, kind, full, full_old) == G_MAXUINT) {
    if (g_get_monotonic_time () - began > PATIENCE_US)
      fail_with_all (self, kind, path);
    watch_run (self, 2);
  }
}

/* What was done before is told before what is done now. Folders that could not be found at once,
 * roots and mounts are looked at a moment later. */
void
watch_settle (WatchPlace *self)
{
  g_autofree char *path = g_strdup_printf ("w/.sentinel-%u", self->n_sentinels++);
  gint64 began = g_get_monotonic_time ();
  g_autofree char *full = watch_path (self, path);

  watch_write (self, path, "");
  while (find (self, HOOKRUN_CHANGE_CREATED, full, NULL) == G_MAXUINT) {
    if (g_get_monotonic_time () - began > 6 * PATIENCE_US)
      fail_with_all (self, HOOKRUN_CHANGE_CREATED, path);
    watch_run (self, 5);
  }
  watch_run (self, 30);
}

guint
watch_count (WatchPlace *self, HookrunChangeKind kind, const char *path)
{
  g_autofree char *full = watch_path (self, path);
  guint n = 0;

  for (guint i = 0; i < self->changes->len; i++)
    n += is_told (g_ptr_array_index (self->changes, i), kind, full, NULL) ? 1 : 0;
  return n;
}

guint
watch_count_kind (WatchPlace *self, HookrunChangeKind kind)
{
  guint n = 0;

  for (guint i = 0; i < self->changes->len; i++)
    n += hookrun_change_get_kind (g_ptr_array_index (self->changes, i)) == kind ? 1 : 0;
  return n;
}

guint
watch_index (WatchPlace *self, HookrunChangeKind kind, const char *path)
{
  g_autofree char *full = watch_path (self, path);

  return find (self, kind, full, NULL);
}

void
watch_forget (WatchPlace *self)
{
  g_ptr_array_set_size (self->changes, 0);
}
