/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A staged change as an object: what it is about, its contents loaded when asked for, its answer.
 */
#include "hookrun-staging-private.h"

#include <string.h>

G_DEFINE_FINAL_TYPE (HookrunStagedChange, hookrun_staged_change, G_TYPE_OBJECT)

static void
hookrun_staged_change_finalize (GObject *object)
{
  HookrunStagedChange *self = HOOKRUN_STAGED_CHANGE (object);

  hookrun_staged_change_drop_merge (self);
  g_clear_object (&self->staging);
  g_clear_pointer (&self->old, hookrun_staged_version_unref);
  g_clear_pointer (&self->new, hookrun_staged_version_unref);
  g_clear_pointer (&self->folder, hookrun_staging_folder_unref);
  g_free (self->module);
  g_free (self->path);
  G_OBJECT_CLASS (hookrun_staged_change_parent_class)->finalize (object);
}

static void
hookrun_staged_change_class_init (HookrunStagedChangeClass *class)
{
  G_OBJECT_CLASS (class)->finalize = hookrun_staged_change_finalize;
}

static void
hookrun_staged_change_init (HookrunStagedChange *self)
{
  self->time_us = g_get_real_time ();
}

HookrunStagedChange *
hookrun_staged_change_new (HookrunStaging *staging, const char *module, const char *path,
                           HookrunStagedVersion *old, HookrunStagedVersion *new)
{
  HookrunStagedChange *self = g_object_new (HOOKRUN_TYPE_STAGED_CHANGE, NULL);

  self->staging = g_object_ref (staging);
  self->module = g_strdup (module);
  self->path = g_strdup (path);
  self->old = hookrun_staged_version_ref (old);
  self->new = hookrun_staged_version_ref (new);
  return self;
}

static gboolean
load_version (HookrunStagedChange *self, HookrunStagedVersion *version, const char *which,
              GError **error)
{
  g_autofree char *name = g_strdup_printf ("p%" G_GUINT64_FORMAT "-%s", self->id, which);
  g_autofree char *what =
      g_build_filename (self->staging->folder, HOOKRUN_STAGING_KEPT_FOLDER, name, NULL);
  HookrunStagingSpot spot = {self->staging->kept_fd, name, what};

  return hookrun_staged_version_load (version, &spot, error);
}

gboolean
hookrun_staged_change_load (HookrunStagedChange *self, GError **error)
{
  return load_version (self, self->old, "old", error) &&
         load_version (self, self->new, "new", error);
}

void
hookrun_staged_change_look (HookrunStagedChange *self)
{
  g_autofree char *name = g_path_get_basename (self->path);

  if (self->folder == NULL)
    self->folder = hookrun_staging_find_folder (self->staging, self->path, NULL);
  self->conflict = self->folder == NULL ||
                   !hookrun_staged_version_lies_at (
                       self->old, &(HookrunStagingSpot){self->folder->fd, name, self->path}, NULL);
}

/**
 * hookrun_staged_change_get_id:
 * @self: a change
 *
 * Returns the number under which it is kept pending. Numbers are never used again.
 *
 * Returns: the number, or 0 while it is not kept
 *
 * Since: 1.0
 */
guint64
hookrun_staged_change_get_id (HookrunStagedChange *self)
{
  return self->id;
}

/**
 * hookrun_staged_change_get_time:
 * @self: a change
 *
 * Returns when it was frozen, in microseconds since 1970-01-01 UTC.
 *
 * Returns: the time in µs
 *
 * Since: 1.0
 */
gint64
hookrun_staged_change_get_time (HookrunStagedChange *self)
{
  return self->time_us;
}

/**
 * hookrun_staged_change_get_module:
 * @self: a change
 *
 * Returns the module that wants it.
 *
 * Returns: (transfer none): the module's name
 *
 * Since: 1.0
 */
const char *
hookrun_staged_change_get_module (HookrunStagedChange *self)
{
  return self->module;
}

/**
 * hookrun_staged_change_get_path:
 * @self: a change
 *
 * Returns the file that would change: the path without the symbolic links that may have stood in
 * the one the module named. It may hold control characters; [method@Hookrun.StagedChange.show]
 * makes them visible.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_staged_change_get_path (HookrunStagedChange *self)
{
  return self->path;
}

/**
 * hookrun_staged_change_get_conflict:
 * @self: a change
 *
 * Tells whether the file was changed by somebody else after the module began from it, as far as was
 * seen when the change was frozen or listed. Applying it would fail; a merge resolves it.
 *
 * Returns: whether another version is in place
 *
 * Since: 1.0
 */
gboolean
hookrun_staged_change_get_conflict (HookrunStagedChange *self)
{
  return self->conflict;
}

/**
 * hookrun_staged_change_get_old_kind:
 * @self: a change
 *
 * Returns what was there.
 *
 * Returns: the kind of the old version
 *
 * Since: 1.0
 */
HookrunStagedKind
hookrun_staged_change_get_old_kind (HookrunStagedChange *self)
{
  return self->old->kind;
}

/**
 * hookrun_staged_change_get_new_kind:
 * @self: a change
 *
 * Returns what shall be there; %HOOKRUN_STAGED_KIND_NONE for a removal.
 *
 * Returns: the kind of the new version
 *
 * Since: 1.0
 */
HookrunStagedKind
hookrun_staged_change_get_new_kind (HookrunStagedChange *self)
{
  return self->new->kind;
}

/**
 * hookrun_staged_change_get_old_mode:
 * @self: a change
 *
 * Returns the mode of the old file.
 *
 * Returns: permission bits, at most 07777; 0 when it was no file
 *
 * Since: 1.0
 */
guint
hookrun_staged_change_get_old_mode (HookrunStagedChange *self)
{
  return self->old->mode;
}

/**
 * hookrun_staged_change_get_new_mode:
 * @self: a change
 *
 * Returns the mode that the new file will have.
 *
 * Returns: permission bits, at most 07777; 0 when it will be no file
 *
 * Since: 1.0
 */
guint
hookrun_staged_change_get_new_mode (HookrunStagedChange *self)
{
  return self->new->mode;
}

static gboolean
get_owner (const HookrunStagedVersion *version, guint *uid, guint *gid)
{
  if (uid != NULL)
    *uid = version->uid;
  if (gid != NULL)
    *gid = version->gid;
  return version->kind != HOOKRUN_STAGED_KIND_NONE;
}

/**
 * hookrun_staged_change_get_old_owner:
 * @self: a change
 * @uid: (out) (optional): number of the user
 * @gid: (out) (optional): number of the group
 *
 * Tells whose the old version was.
 *
 * Returns: whether there was one
 *
 * Since: 1.0
 */
gboolean
hookrun_staged_change_get_old_owner (HookrunStagedChange *self, guint *uid, guint *gid)
{
  return get_owner (self->old, uid, gid);
}

/**
 * hookrun_staged_change_get_new_owner:
 * @self: a change
 * @uid: (out) (optional): number of the user
 * @gid: (out) (optional): number of the group
 *
 * Tells whose the new version will be.
 *
 * Returns: whether there will be one
 *
 * Since: 1.0
 */
gboolean
hookrun_staged_change_get_new_owner (HookrunStagedChange *self, guint *uid, guint *gid)
{
  return get_owner (self->new, uid, gid);
}

/**
 * hookrun_staged_change_get_old_size:
 * @self: a change
 *
 * Returns the size of the old version.
 *
 * Returns: bytes; 0 when there was none
 *
 * Since: 1.0
 */
guint64
hookrun_staged_change_get_old_size (HookrunStagedChange *self)
{
  return self->old->size;
}

/**
 * hookrun_staged_change_get_new_size:
 * @self: a change
 *
 * Returns the size of the new version.
 *
 * Returns: bytes; 0 when there will be none
 *
 * Since: 1.0
 */
guint64
hookrun_staged_change_get_new_size (HookrunStagedChange *self)
{
  return self->new->size;
}

/**
 * hookrun_staged_change_get_old_link:
 * @self: a change
 *
 * Returns where the old version points to.
 *
 * Returns: (transfer none) (nullable) (type filename): the link's text; %NULL when it was no link
 *
 * Since: 1.0
 */
const char *
hookrun_staged_change_get_old_link (HookrunStagedChange *self)
{
  return self->old->link;
}

/**
 * hookrun_staged_change_get_new_link:
 * @self: a change
 *
 * Returns where the new version will point to.
 *
 * Returns: (transfer none) (nullable) (type filename): the link's text; %NULL when it will be no
 *   link
 *
 * Since: 1.0
 */
const char *
hookrun_staged_change_get_new_link (HookrunStagedChange *self)
{
  return self->new->link;
}

static GBytes *
get_content (HookrunStagedChange *self, HookrunStagedVersion *version, GError **error)
{
  if (!hookrun_staged_change_load (self, error))
    return NULL;
  return version->content != NULL ? g_bytes_ref (version->content) : g_bytes_new (NULL, 0);
}

/**
 * hookrun_staged_change_load_old:
 * @self: a change
 * @error: return location; %HOOKRUN_ERROR_INVALID when what was kept is damaged,
 *   %HOOKRUN_ERROR_IO
 *
 * Returns the content of the old file; empty when it was none.
 *
 * Returns: (transfer full): the content, or %NULL with @error set
 *
 * Since: 1.0
 */
GBytes *
hookrun_staged_change_load_old (HookrunStagedChange *self, GError **error)
{
  return get_content (self, self->old, error);
}

/**
 * hookrun_staged_change_load_new:
 * @self: a change
 * @error: return location; %HOOKRUN_ERROR_INVALID when what was kept is damaged,
 *   %HOOKRUN_ERROR_IO
 *
 * Returns the content of the new file; empty when it will be none.
 *
 * Returns: (transfer full): the content, or %NULL with @error set
 *
 * Since: 1.0
 */
GBytes *
hookrun_staged_change_load_new (HookrunStagedChange *self, GError **error)
{
  return get_content (self, self->new, error);
}

/**
 * hookrun_staged_change_get_answer:
 * @self: a change
 *
 * Returns the answer so far: the user's earlier *always* or *never* where it covers this change,
 * then what [method@Hookrun.StagedChange.set_answer] set. An *always* does not cover a change of
 * kind or mode.
 *
 * Returns: the answer
 *
 * Since: 1.0
 */
HookrunStagingAnswer
hookrun_staged_change_get_answer (HookrunStagedChange *self)
{
  return self->answer;
}

/**
 * hookrun_staged_change_set_answer:
 * @self: a change
 * @answer: what to do with it
 *
 * Sets the user's answer. Nothing happens before [method@Hookrun.Staging.settle].
 *
 * Since: 1.0
 */
void
hookrun_staged_change_set_answer (HookrunStagedChange *self, HookrunStagingAnswer answer)
{
  self->answer = answer;
}

/**
 * hookrun_staging_answer_parse:
 * @text: (nullable): what the user typed; %NULL is the end of input and means *discard*
 * @answer: (out): the answer
 *
 * Reads an answer: `y`, `a`, `s`, `n` or `N`. The answer `m`, to merge, is none that ends the
 * question; the caller merges and asks again.
 *
 * Returns: whether it is one
 *
 * Since: 1.0
 */
gboolean
hookrun_staging_answer_parse (const char *text, HookrunStagingAnswer *answer)
{
  static const struct {
    const char *key;
    HookrunStagingAnswer answer;
  } keys[] = {
      {"y", HOOKRUN_STAGING_ANSWER_APPLY}, {"a", HOOKRUN_STAGING_ANSWER_ALWAYS},
      {"s", HOOKRUN_STAGING_ANSWER_KEEP},  {"n", HOOKRUN_STAGING_ANSWER_DISCARD},
      {"N", HOOKRUN_STAGING_ANSWER_NEVER},
  };

  *answer = text == NULL ? HOOKRUN_STAGING_ANSWER_DISCARD : HOOKRUN_STAGING_ANSWER_ASK;
  for (guint i = 0; text != NULL && i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (text, keys[i].key))
      *answer = keys[i].answer;
  return *answer != HOOKRUN_STAGING_ANSWER_ASK;
}
