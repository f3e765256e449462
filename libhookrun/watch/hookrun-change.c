/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A change as a value: one allocation, never altered, read by whoever has it. */
#include "hookrun-change-private.h"

#include <dirent.h>
#include <string.h>

G_DEFINE_BOXED_TYPE (HookrunChange, hookrun_change, hookrun_change_ref, hookrun_change_unref)

HookrunChange *
hookrun_change_new (HookrunChangeKind kind, const char *folder, gsize folder_length,
                    const char *name, gsize name_length, const char *old_path)
{
  gboolean needs_slash = name_length > 0 && folder_length > 0 && folder[folder_length - 1] != '/';
  gsize length = folder_length + (needs_slash ? 1 : 0) + name_length;
  gsize old_size = old_path != NULL ? strlen (old_path) + 1 : 0;
  HookrunChange *self = g_malloc (sizeof *self + length + 1 + old_size);
  char *end = self->path;

  memset (self, 0, sizeof *self);
  g_atomic_ref_count_init (&self->references);
  self->kind = (guint16)kind;
  memcpy (end, folder, folder_length);
  end += folder_length;
  if (needs_slash)
    *end++ = '/';
  memcpy (end, name, name_length);
  end += name_length;
  *end++ = '\0';
  if (old_path != NULL)
    self->old_path = memcpy (end, old_path, old_size);
  return self;
}

HookrunChange *
hookrun_change_new_from (const HookrunChange *change, HookrunChangeKind kind)
{
  HookrunChange *self =
      hookrun_change_new (kind, change->path, strlen (change->path), "", 0, change->old_path);

  self->flags = change->flags;
  self->type = change->type;
  self->inode = change->inode;
  self->time_us = change->time_us;
  return self;
}

/**
 * hookrun_change_ref:
 * @self: a change
 *
 * Takes a reference. May be called from any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunChange *
hookrun_change_ref (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&self->references);
  return self;
}

/**
 * hookrun_change_unref:
 * @self: (transfer full): a change
 *
 * Gives a reference back. May be called from any thread.
 *
 * Since: 1.0
 */
void
hookrun_change_unref (HookrunChange *self)
{
  g_return_if_fail (self != NULL);
  if (g_atomic_ref_count_dec (&self->references))
    g_free (self);
}

/**
 * hookrun_change_get_kind:
 * @self: a change
 *
 * Gets what happened.
 *
 * Returns: one kind
 *
 * Since: 1.0
 */
HookrunChangeKind
hookrun_change_get_kind (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, HOOKRUN_CHANGE_NONE);
  return (HookrunChangeKind)self->kind;
}

/**
 * hookrun_change_get_path:
 * @self: a change
 *
 * Gets the path, which begins with that of the root as it was given. It is bytes, not text, and may
 * be longer than `PATH_MAX`. After a move it is the new one. For notes about a root it is the
 * root's, for notes about an overflow it is empty.
 *
 * Returns: (type filename) (transfer none): the path
 *
 * Since: 1.0
 */
const char *
hookrun_change_get_path (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->path;
}

/**
 * hookrun_change_get_old_path:
 * @self: a change
 *
 * Gets the path that something had before it was moved.
 *
 * Returns: (type filename) (transfer none) (nullable): the path; %NULL for all but moves
 *
 * Since: 1.0
 */
const char *
hookrun_change_get_old_path (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->old_path;
}

/**
 * hookrun_change_get_file_type:
 * @self: a change
 *
 * Gets the type of the file, as far as it is known without looking at it: folders always are.
 *
 * Returns: the type; %G_FILE_TYPE_UNKNOWN for what is no folder and was not looked at
 *
 * Since: 1.0
 */
GFileType
hookrun_change_get_file_type (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, G_FILE_TYPE_UNKNOWN);
  switch (self->type) {
  case DT_DIR:
    return G_FILE_TYPE_DIRECTORY;
  case DT_REG:
    return G_FILE_TYPE_REGULAR;
  case DT_LNK:
    return G_FILE_TYPE_SYMBOLIC_LINK;
  case DT_UNKNOWN:
    return G_FILE_TYPE_UNKNOWN;
  default:
    return G_FILE_TYPE_SPECIAL;
  }
}

/**
 * hookrun_change_get_inode:
 * @self: a change
 *
 * Gets the number of the inode, where it is known without looking at the file: for what a listing
 * found.
 *
 * Returns: the number, or 0
 *
 * Since: 1.0
 */
guint64
hookrun_change_get_inode (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->inode;
}

/**
 * hookrun_change_get_time_us:
 * @self: a change
 *
 * Gets when the change was noticed.
 *
 * Returns: microseconds since 1970
 *
 * Since: 1.0
 */
gint64
hookrun_change_get_time_us (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->time_us;
}

/**
 * hookrun_change_is_synthetic:
 * @self: a change
 *
 * Tells whether the change was found by looking instead of being told by the kernel: what was in a
 * folder already when it came to be watched, and what differs after an overflow.
 *
 * Returns: whether it was found by looking
 *
 * Since: 1.0
 */
gboolean
hookrun_change_is_synthetic (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  return (self->flags & HOOKRUN_CHANGE_SYNTHETIC) != 0;
}

/**
 * hookrun_change_is_offline:
 * @self: a change
 *
 * Tells whether the change happened while nobody watched: the root was gone, or the program was
 * not running.
 *
 * Returns: whether nobody watched
 *
 * Since: 1.0
 */
gboolean
hookrun_change_is_offline (HookrunChange *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  return (self->flags & HOOKRUN_CHANGE_OFFLINE) != 0;
}
