/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One folder's listing compared with what was known of it: what is new is added, what is gone is
 * dropped, and where it is asked for, files are looked at for changes. All under the lock.
 */
#include "hookrun-inotify-scan-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-error-private.h"

#define NS_PER_S 1000000000ll

/* ---- watches ---- */

static guint64
read_number (const char *path)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  return g_ascii_strtoull (text, NULL, 10);
}

static GError *
make_limit_error (HookrunInotify *self)
{
  guint64 limit = read_number ("/proc/sys/fs/inotify/max_user_watches");

  return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                      "cannot watch more than %u folders: the watches of this user reached the "
                      "limit of the kernel, fs.inotify.max_user_watches = %" G_GUINT64_FORMAT
                      "; raise it, for example with: sysctl "
                      "fs.inotify.max_user_watches=%" G_GUINT64_FORMAT,
                      self->map.n_watches, limit, MAX (limit * 2, 524288));
}

void
hookrun_scan_failed (HookrunScan *scan, guint32 node, int saved_errno)
{
  HookrunInotify *self = scan->self;
  const HookrunNode *own = hookrun_node_table_get (&self->table, node);
  GError *problem = NULL;

  if (saved_errno == EACCES || saved_errno == EPERM) {
    hookrun_node_table_get (&self->table, node)->flags |= HOOKRUN_NODE_DENIED;
    return;
  }
  if (saved_errno != ENOSPC && saved_errno != ENOMEM) {
    gboolean is_gone = saved_errno == ENOENT || saved_errno == ENOTDIR || saved_errno == ELOOP;

    /* When no event is left that could tell where it is, its parent's listing does. */
    if (is_gone && scan->options->trusts_known && !(own->flags & HOOKRUN_NODE_ROOT))
      hookrun_inotify_doubt (self, own->parent);
    else
      hookrun_inotify_await (self, node);
    return;
  }
  if (self->is_limit_told)
    return;
  self->is_limit_told = TRUE;
  if (saved_errno == ENOSPC)
    problem = make_limit_error (self);
  else
    hookrun_set_error_from_errno (&problem, saved_errno, "cannot watch more than %u folders",
                                  self->map.n_watches);
  if (scan->options->tells)
    hookrun_inotify_complain (self, problem);
  else
    self->limit = problem;
}

/* Whether the path of @node leads to the folder that is open. */
static gboolean
leads_to (HookrunInotify *self, guint32 node, int fd)
{
  struct stat here, there;
  int other = hookrun_inotify_open (self, node);
  gboolean is_same = other >= 0 && fstat (other, &there) == 0 && fstat (fd, &here) == 0 &&
                     here.st_dev == there.st_dev && here.st_ino == there.st_ino;

  if (other >= 0)
    close (other);
  return is_same;
}

gboolean
hookrun_scan_assign (HookrunScan *scan, guint32 node, int watch, int fd)
{
  HookrunInotify *self = scan->self;
  HookrunNode *own = hookrun_node_table_get (&self->table, node);
  guint32 owner = hookrun_watch_map_get (&self->map, watch);
  gboolean was_alias = (own->flags & HOOKRUN_NODE_ALIAS) != 0;

  own->flags &= (guint8) ~(HOOKRUN_NODE_PENDING | HOOKRUN_NODE_DENIED | HOOKRUN_NODE_ALIAS);
  if (owner == node)
    return TRUE;
  if (owner != HOOKRUN_NODE_NONE) {
    /* One inode has one watch, and was met under two names: mounted twice, or one of the names is
     * about to be found out of date by events that were not looked at yet. */
    if (leads_to (self, owner, fd)) {
      hookrun_inotify_release (self, node);
      if (!was_alias)
        hookrun_inotify_doubt (self, node);
      own->flags |= HOOKRUN_NODE_ALIAS;
      return TRUE;
    }
    hookrun_node_table_get (&self->table, owner)->watch = 0;
    hookrun_inotify_doubt (self, owner);
  }
  hookrun_inotify_release (self, node);
  own->watch = watch;
  hookrun_watch_map_set (&self->map, watch, node);
  return TRUE;
}

/* ---- entries ---- */

void
hookrun_listing_start (HookrunListing *self, HookrunScanThread *thread,
                       const HookrunWatchRoot *root, guint32 node, HookrunOpenFolder *folder)
{
  HookrunScan *scan = thread->scan;

  self->thread = thread;
  self->scan = scan;
  self->root = root;
  self->node = node;
  self->folder = folder;
  self->keeps_open = FALSE;
  self->was_known = hookrun_node_table_get (&scan->self->table, node)->child != HOOKRUN_NODE_NONE;
}

static gint64
in_ns (const struct timespec *time)
{
  return time->tv_sec * NS_PER_S + time->tv_nsec;
}

/* What the times and the inode of a known file tell of it. */
static HookrunChangeKind
judge (const HookrunScanOptions *options, const HookrunNode *file, const struct stat *st)
{
  if (options->elsewhere || (options->replaced && file->inode != (guint32)st->st_ino))
    return HOOKRUN_CHANGE_CHANGED;
  if (options->since_ns == 0)
    return HOOKRUN_CHANGE_NONE;
  if (in_ns (&st->st_ctim) < options->since_ns)
    return HOOKRUN_CHANGE_NONE;
  if (file->inode != 0 && file->inode != (guint32)st->st_ino)
    return HOOKRUN_CHANGE_CHANGED;
  return in_ns (&st->st_mtim) < options->since_ns ? HOOKRUN_CHANGE_ATTRIBUTES
                                                  : HOOKRUN_CHANGE_CHANGED;
}

static void
look_at (HookrunListing *self, guint32 node, const char *name)
{
  HookrunInotify *inotify = self->scan->self;
  const HookrunScanOptions *options = self->scan->options;
  HookrunTold told = {.flags = options->flags};
  struct stat st;

  if (!options->tells || (options->since_ns == 0 && !options->replaced))
    return;
  hookrun_scan_breathe (self->thread);
  if (fstatat (self->folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return;
  told.kind = judge (options, hookrun_node_table_get (&inotify->table, node), &st);
  hookrun_node_table_get (&inotify->table, node)->inode = (guint32)st.st_ino;
  told.inode = st.st_ino;
  if (told.kind != HOOKRUN_CHANGE_NONE)
    hookrun_inotify_tell_node (inotify, node, &told);
}

static guint8
type_of (int folder_fd, const char *name, guint8 type)
{
  struct stat st;

  if (type != DT_UNKNOWN)
    return type;
  return fstatat (folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (guint8)IFTODT (st.st_mode)
                                                                  : type;
}

static guint32
add_entry (HookrunListing *self, const char *name, gsize length, guint8 type, guint64 inode)
{
  HookrunInotify *inotify = self->scan->self;
  const HookrunScanOptions *options = self->scan->options;
  guint32 node = hookrun_node_table_add (&inotify->table, self->node, name, length, type);

  if (type != DT_DIR)
    hookrun_node_table_get (&inotify->table, node)->inode = (guint32)inode;
  if (options->tells) {
    const HookrunTold told = {HOOKRUN_CHANGE_CREATED, options->flags, type, inode, NULL};

    hookrun_inotify_tell (inotify, self->node, name, length, &told);
  }
  return node;
}

void
hookrun_listing_take (HookrunListing *self, const char *name, gsize length, guint8 type,
                      guint64 inode)
{
  HookrunInotify *inotify = self->scan->self;
  HookrunNodeTable *table = &inotify->table;
  guint32 node = HOOKRUN_NODE_NONE;

  type = type_of (self->folder->fd, name, type);
  if (self->was_known)
    node = hookrun_node_table_find (table, self->node, name, length);
  if (node != HOOKRUN_NODE_NONE &&
      hookrun_node_is_folder (hookrun_node_table_get (table, node)) != (type == DT_DIR)) {
    hookrun_inotify_drop (inotify, node, HOOKRUN_DROP_TOLD, self->scan->options->flags);
    node = HOOKRUN_NODE_NONE;
  }
  if (node == HOOKRUN_NODE_NONE)
    node = add_entry (self, name, length, type, inode);
  else if (type != DT_DIR)
    look_at (self, node, name);
  if (self->was_known)
    hookrun_node_table_get (table, node)->flags |= HOOKRUN_NODE_SEEN;
  if (type == DT_DIR && (self->root->flags & HOOKRUN_WATCH_RECURSIVE))
    hookrun_scan_push (self->scan, node, self->node, self->keeps_open ? self->folder : NULL);
}

/* What was known and not listed is gone, if the listing is whole. */
void
hookrun_listing_end (HookrunListing *self, gboolean is_whole)
{
  HookrunInotify *inotify = self->scan->self;
  HookrunNodeTable *table = &inotify->table;
  guint32 next;

  if (!is_whole)
    hookrun_inotify_await (inotify, self->node);
  if (!self->was_known)
    return;
  for (guint32 node = hookrun_node_table_get (table, self->node)->child; node != HOOKRUN_NODE_NONE;
       node = next) {
    HookrunNode *own = hookrun_node_table_get (table, node);

    next = own->next;
    if ((own->flags & HOOKRUN_NODE_SEEN) || !is_whole)
      own->flags &= (guint8)~HOOKRUN_NODE_SEEN;
    else if (self->scan->options->tells)
      hookrun_inotify_drop (inotify, node, HOOKRUN_DROP_TOLD, self->scan->options->flags);
    else
      hookrun_inotify_drop (inotify, node, HOOKRUN_DROP_SILENT, 0);
  }
}
