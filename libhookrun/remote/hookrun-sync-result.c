/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run of a sync did: counts, and the changes one by one where they were asked for. */
#include "hookrun-sync-private.h"

G_DEFINE_BOXED_TYPE (HookrunSyncResult, hookrun_sync_result, hookrun_sync_result_ref,
                     hookrun_sync_result_unref)

GType
hookrun_sync_engine_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {HOOKRUN_SYNC_ENGINE_AUTO, "HOOKRUN_SYNC_ENGINE_AUTO", "auto"},
        {HOOKRUN_SYNC_ENGINE_RSYNC, "HOOKRUN_SYNC_ENGINE_RSYNC", "rsync"},
        {HOOKRUN_SYNC_ENGINE_TAR, "HOOKRUN_SYNC_ENGINE_TAR", "tar"},
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunSyncEngine", values));
  }
  return type;
}

HookrunSyncResult *
hookrun_sync_result_new (HookrunSyncEngine engine)
{
  HookrunSyncResult *self = g_new0 (HookrunSyncResult, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->engine = engine;
  self->changes = g_ptr_array_new_with_free_func (g_free);
  return self;
}

/* Control characters and what is not UTF-8 are shown as octal escapes: one change, one line. */
void
hookrun_sync_result_add_change (HookrunSyncResult *self, char sign, const char *path)
{
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "%c ", sign);
  for (const char *at = path; *at != '\0';) {
    gunichar c = g_utf8_get_char_validated (at, -1);

    if (c == (gunichar)-1 || c == (gunichar)-2 || g_unichar_iscntrl (c) || c == '\\') {
      g_string_append_printf (line, "\\%03o", (guint)(guchar)*at);
      at++;
    } else {
      g_string_append_unichar (line, c);
      at = g_utf8_next_char (at);
    }
  }
  g_ptr_array_add (self->changes, g_string_free (line, FALSE));
}

void
hookrun_sync_result_seal (HookrunSyncResult *self)
{
  g_ptr_array_add (self->changes, NULL);
}

/**
 * hookrun_sync_result_ref:
 * @self: a result
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunSyncResult *
hookrun_sync_result_ref (HookrunSyncResult *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * hookrun_sync_result_unref:
 * @self: (transfer full): a result
 *
 * Drops a reference; the last one frees it.
 *
 * Since: 1.0
 */
void
hookrun_sync_result_unref (HookrunSyncResult *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_ptr_array_unref (self->changes);
  g_free (self);
}

/**
 * hookrun_sync_result_get_engine:
 * @self: a result
 *
 * Gets the engine that ran; never %HOOKRUN_SYNC_ENGINE_AUTO.
 *
 * Returns: the engine
 *
 * Since: 1.0
 */
HookrunSyncEngine
hookrun_sync_result_get_engine (HookrunSyncResult *self)
{
  return self->engine;
}

/**
 * hookrun_sync_result_get_n_files:
 * @self: a result
 *
 * Gets how many regular files were sent, or would have been.
 *
 * Returns: the count
 *
 * Since: 1.0
 */
guint64
hookrun_sync_result_get_n_files (HookrunSyncResult *self)
{
  return self->n_files;
}

/**
 * hookrun_sync_result_get_n_bytes:
 * @self: a result
 *
 * Gets the size of the files that were sent, together. What crossed the wire may be less.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
guint64
hookrun_sync_result_get_n_bytes (HookrunSyncResult *self)
{
  return self->n_bytes;
}

/**
 * hookrun_sync_result_get_n_deleted:
 * @self: a result
 *
 * Gets how many files and folders were removed at the target, or would have been.
 *
 * Returns: the count
 *
 * Since: 1.0
 */
guint64
hookrun_sync_result_get_n_deleted (HookrunSyncResult *self)
{
  return self->n_deleted;
}

/**
 * hookrun_sync_result_get_changes:
 * @self: a result
 *
 * Gets the changes one by one, if the sync was a dry run: `+ path` is new, `~ path` differs,
 * `- path` goes. Bytes of a path that are not printable UTF-8, and backslashes, are octal escapes.
 *
 * Returns: (transfer none) (array zero-terminated=1): the changes, empty after a real run
 *
 * Since: 1.0
 */
const char *const *
hookrun_sync_result_get_changes (HookrunSyncResult *self)
{
  return (const char *const *)self->changes->pdata;
}
