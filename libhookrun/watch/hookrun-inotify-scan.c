/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watching and listing folders, on one thread or two: the folder is opened, watched, then listed,
 * and what the listing says is compared with the table. Calls to the kernel are made without the
 * lock.
 */
#include "hookrun-inotify-scan-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hookrun-error-private.h"

#define ENTRIES_SIZE ((gsize)64 << 10)
/* Folders that stay open because folders in them wait; others are opened by their path. */
#define MAX_OPEN 128
/* Calls after which the kernel's queue is emptied. */
#define CALLS_A_BREATH 64u
#define WAIT_US 5000

typedef struct {
  guint64 inode;
  gint64 offset;
  guint16 size;
  guint8 type;
  char name[];
} Entry;

static void
release_folder (HookrunScan *scan, HookrunOpenFolder *folder)
{
  if (folder == NULL || --folder->references > 0)
    return;
  close (folder->fd);
  scan->n_open--;
  g_free (folder);
}

void
hookrun_scan_push (HookrunScan *scan, guint32 node, guint32 folder, HookrunOpenFolder *parent)
{
  const HookrunScanItem item = {node, folder, parent};

  if (parent != NULL)
    parent->references++;
  g_array_append_val (scan->items, item);
  if (scan->n_waiting > 0)
    g_cond_signal (&scan->more);
}

/* Opens the folder of @item; takes the lock off for that. */
static int
open_item (HookrunScan *scan, const HookrunScanItem *item)
{
  HookrunInotify *self = scan->self;
  g_autofree char *path = NULL;
  const HookrunWatchRoot *root = NULL;
  char name[256];
  gsize length;
  int fd;
  int saved_errno;

  if (item->parent != NULL) {
    const char *own = hookrun_node_table_name (&self->table, item->node, &length);

    memcpy (name, own, length);
    name[length] = '\0';
  } else {
    g_autoptr (GString) below = g_string_new (NULL);

    root = hookrun_scan_root (scan, item->node);
    hookrun_node_table_path (&self->table, item->node, below);
    path = g_string_free (g_steal_pointer (&below), FALSE);
  }
  g_mutex_unlock (&self->lock);
  fd = item->parent != NULL ? openat (item->parent->fd, name,
                                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
                            : hookrun_inotify_open_below (root, path);
  saved_errno = errno;
  g_mutex_lock (&self->lock);
  errno = saved_errno;
  return fd;
}

/* The kernel's queue is emptied now and then, so that it does not overflow meanwhile. */
void
hookrun_scan_breathe (HookrunScanThread *thread)
{
  if (thread->is_owner && ++thread->n_breaths % CALLS_A_BREATH == 0)
    hookrun_inotify_read (thread->scan->self);
}

/* Reads entries into the thread's buffer without the lock: their bytes, 0 at the end, or -1. */
static gssize
read_entries (HookrunScanThread *thread, int fd)
{
  HookrunInotify *self = thread->scan->self;
  gssize got;
  int saved_errno;

  g_mutex_unlock (&self->lock);
  hookrun_scan_breathe (thread);
  got = syscall (SYS_getdents64, fd, thread->entries, ENTRIES_SIZE);
  saved_errno = errno;
  g_mutex_lock (&self->lock);
  errno = saved_errno;
  return got;
}

static gboolean
list_folder (HookrunScanThread *thread, HookrunListing *listing)
{
  gssize got;

  while ((got = read_entries (thread, listing->folder->fd)) > 0)
    for (gssize at = 0; at < got;) {
      Entry *entry = (Entry *)(gpointer)(thread->entries + at);
      gboolean is_dots =
          entry->name[0] == '.' &&
          (entry->name[1] == '\0' || (entry->name[1] == '.' && entry->name[2] == '\0'));

      if (!is_dots)
        hookrun_listing_take (listing, entry->name, strlen (entry->name), entry->type,
                              entry->inode);
      at += entry->size;
    }
  return got == 0;
}

/* Watches the open folder without the lock. */
static int
watch_folder (HookrunScanThread *thread, int fd, const HookrunWatchRoot *root)
{
  HookrunInotify *self = thread->scan->self;
  int watch;
  int saved_errno;

  g_mutex_unlock (&self->lock);
  watch = hookrun_inotify_watch_fd (self->fd, fd, hookrun_inotify_mask (root), thread->owns_folder);
  saved_errno = errno;
  g_mutex_lock (&self->lock);
  errno = saved_errno;
  return watch;
}

/* A folder on another device that is the kernel's own is left alone. */
static gboolean
is_to_watch (const HookrunWatchRoot *root, int fd)
{
  struct stat st;

  if (fstat (fd, &st) != 0 || st.st_dev == root->device)
    return TRUE;
  return !hookrun_inotify_is_pseudo (fd);
}

static void
watch_and_list (HookrunScanThread *thread, const HookrunScanItem *item,
                const HookrunWatchRoot *root, HookrunOpenFolder *folder)
{
  HookrunScan *scan = thread->scan;
  guint32 node = item->node;
  HookrunListing listing;
  int watch;

  if (!is_to_watch (root, folder->fd))
    return;
  watch = watch_folder (thread, folder->fd, root);
  if (watch < 0)
    hookrun_scan_failed (scan, node, errno);
  if (watch >= 0 && scan->options->trusts_known && item->folder != HOOKRUN_NODE_NONE &&
      hookrun_watch_map_get (&scan->self->map, watch) == node)
    return;
  if (watch < 0 || !hookrun_scan_assign (scan, node, watch, folder->fd))
    return;
  hookrun_listing_start (&listing, thread, root, node, folder);
  listing.keeps_open = scan->n_open < MAX_OPEN;
  hookrun_listing_end (&listing, list_folder (thread, &listing));
}

/* A listing under way can show a name twice, and what was there first may be dropped by then. */
static gboolean
is_wanted (HookrunScan *scan, const HookrunScanItem *item)
{
  const HookrunNode *own = hookrun_node_table_get (&scan->self->table, item->node);

  return !(own->flags & HOOKRUN_NODE_FREE) && hookrun_node_is_folder (own) &&
         (item->folder == HOOKRUN_NODE_NONE || own->parent == item->folder);
}

static void
visit (HookrunScanThread *thread, const HookrunScanItem *item)
{
  HookrunScan *scan = thread->scan;
  HookrunWatchRoot *root = hookrun_scan_root (scan, item->node);
  HookrunOpenFolder *folder;
  int fd = open_item (scan, item);

  if (fd < 0) {
    hookrun_scan_failed (scan, item->node, errno);
    return;
  }
  folder = g_new0 (HookrunOpenFolder, 1);
  folder->fd = fd;
  folder->references = 1;
  scan->n_open++;
  watch_and_list (thread, item, root, folder);
  release_folder (scan, folder);
}

/* The owner goes on emptying the kernel's queue while the other lists a large folder. */
static void
wait_for_more (HookrunScanThread *thread)
{
  HookrunScan *scan = thread->scan;

  scan->n_waiting++;
  g_cond_wait_until (&scan->more, &scan->self->lock, g_get_monotonic_time () + WAIT_US);
  scan->n_waiting--;
  if (thread->is_owner)
    hookrun_inotify_read (scan->self);
}

static void
work (HookrunScanThread *thread)
{
  HookrunScan *scan = thread->scan;
  HookrunInotify *self = scan->self;

  g_mutex_lock (&self->lock);
  for (;;) {
    HookrunScanItem item;

    while (scan->items->len == 0 && scan->n_busy > 0)
      wait_for_more (thread);
    if (scan->items->len == 0 || hookrun_inotify_is_stopped (self))
      break;
    item = g_array_index (scan->items, HookrunScanItem, scan->items->len - 1);
    g_array_set_size (scan->items, scan->items->len - 1);
    scan->n_busy++;
    if (is_wanted (scan, &item))
      visit (thread, &item);
    scan->n_busy--;
    release_folder (scan, item.parent);
  }
  g_cond_broadcast (&scan->more);
  g_mutex_unlock (&self->lock);
}

static gpointer
help (gpointer data)
{
  HookrunScanThread *thread = data;

  thread->owns_folder = hookrun_inotify_own_folder ();
  work (thread);
  return NULL;
}

static void
close_left (HookrunScan *scan)
{
  for (guint i = 0; i < scan->items->len; i++)
    release_folder (scan, g_array_index (scan->items, HookrunScanItem, i).parent);
  g_array_unref (scan->items);
}

void
hookrun_inotify_scan (HookrunInotify *self, const guint32 *nodes, gsize n_nodes,
                      const HookrunScanOptions *options)
{
  HookrunScan scan = {.self = self, .options = options};
  g_autofree char *entries = g_malloc (ENTRIES_SIZE);
  HookrunScanThread own = {
      .scan = &scan, .is_owner = TRUE, .owns_folder = self->owns_folder, .entries = entries};
  g_autofree char *more_entries = options->n_threads > 1 ? g_malloc (ENTRIES_SIZE) : NULL;
  HookrunScanThread helper = {.scan = &scan, .entries = more_entries};
  GThread *thread = NULL;

  scan.items = g_array_new (FALSE, FALSE, sizeof (HookrunScanItem));
  g_cond_init (&scan.more);
  for (gsize i = 0; i < n_nodes; i++)
    hookrun_scan_push (&scan, nodes[n_nodes - 1 - i], HOOKRUN_NODE_NONE, NULL);
  if (options->n_threads > 1)
    thread = g_thread_try_new ("hookrun-scan", help, &helper, NULL);
  work (&own);
  if (thread != NULL)
    g_thread_join (thread);
  close_left (&scan);
  g_cond_clear (&scan.more);
  /* A working folder would keep a file system from being unmounted. */
  if (self->owns_folder && chdir ("/") != 0)
    return;
}

void
hookrun_inotify_scan_new (HookrunInotify *self, guint32 node)
{
  const HookrunScanOptions options = {.tells = TRUE, .flags = HOOKRUN_CHANGE_SYNTHETIC};

  hookrun_inotify_scan (self, &node, 1, &options);
}
