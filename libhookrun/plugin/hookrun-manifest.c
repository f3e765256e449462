/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The manifest as a value: made from a file or from JSON, then only read. What its keys mean is in
 * hookrun-manifest-parse.c.
 */
#include "hookrun-manifest-private.h"
#include "hookrun-error-private.h"
#include "hookrun-trust-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

G_DEFINE_BOXED_TYPE (HookrunManifest, hookrun_manifest, hookrun_manifest_ref,
                     hookrun_manifest_unref)

void
hookrun_manifest_handler_free (gpointer data)
{
  HookrunManifestHandler *handler = data;

  g_free (handler->signal);
  g_free (handler->id);
  g_strfreev (handler->before);
  g_strfreev (handler->after);
  g_free (handler->replaces);
  g_free (handler->program);
  g_clear_pointer (&handler->policy, hookrun_plugin_policy_unref);
  g_free (handler);
}

HookrunManifestHandler *
hookrun_manifest_handler_new (const char *signal, const char *id)
{
  HookrunManifestHandler *handler = g_new0 (HookrunManifestHandler, 1);

  handler->signal = g_strdup (signal);
  handler->id = g_strdup (id);
  return handler;
}

void
hookrun_manifest_handler_get_options (const HookrunManifestHandler *handler,
                                      HookrunHandlerOptions *options)
{
  *options = (HookrunHandlerOptions){
      .before = (const char *const *)handler->before,
      .after = (const char *const *)handler->after,
      .replaces = handler->replaces,
      .subject = handler->all_subjects ? "*" : NULL,
      .priority = handler->priority,
      .timeout_ms = handler->timeout_ms,
  };
}

static void
option_clear (gpointer data)
{
  HookrunManifestOption *option = data;

  g_free ((char *)option->name);
  g_free ((char *)option->help);
  g_free ((char *)option->arg_name);
  g_clear_pointer (&option->default_value, json_node_unref);
}

HookrunManifest *
hookrun_manifest_alloc (const char *origin, const char *folder)
{
  HookrunManifest *self = g_new0 (HookrunManifest, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->origin = g_strdup (origin);
  self->folder = g_strdup (folder);
  self->abi = HOOKRUN_PLUGIN_ABI;
  self->options = g_array_new (FALSE, TRUE, sizeof (HookrunManifestOption));
  g_array_set_clear_func (self->options, option_clear);
  self->handlers = g_ptr_array_new_with_free_func (hookrun_manifest_handler_free);
  return self;
}

/**
 * hookrun_manifest_ref:
 * @self: a manifest
 *
 * Takes a reference. Thread-safe.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunManifest *
hookrun_manifest_ref (HookrunManifest *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * hookrun_manifest_unref:
 * @self: (transfer full): a manifest
 *
 * Gives a reference back; the last one frees the manifest. Thread-safe.
 *
 * Since: 1.0
 */
void
hookrun_manifest_unref (HookrunManifest *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_free (self->origin);
  g_free (self->folder);
  g_free (self->id);
  g_free (self->version);
  g_free (self->file);
  g_strfreev (self->command);
  g_free (self->description);
  g_free (self->author);
  g_free (self->isolation);
  g_clear_pointer (&self->permissions, json_node_unref);
  g_clear_pointer (&self->policy, hookrun_plugin_policy_unref);
  g_strfreev (self->requires);
  g_strfreev (self->ranges);
  g_strfreev (self->before);
  g_strfreev (self->after);
  g_strfreev (self->signals);
  g_strfreev (self->hook_signals);
  g_array_unref (self->options);
  g_ptr_array_unref (self->handlers);
  g_free (self);
}

gboolean
hookrun_manifest_read_text (int fd, gsize size, const char *path, char **text, gsize *length,
                            GError **error)
{
  g_autofree char *buffer = g_malloc (size + 1);
  gsize done = 0;

  while (done < size) {
    gssize n = read (fd, buffer + done, size - done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      hookrun_set_error_from_errno (error, errno, "cannot read \"%s\"", path);
      return FALSE;
    }
    if (n == 0)
      break;
    done += (gsize)n;
  }
  buffer[done] = '\0';
  *text = g_steal_pointer (&buffer);
  *length = done;
  return TRUE;
}

/* @fd was opened and checked already; it is read and closed. */
HookrunManifest *
hookrun_manifest_new_from_fd (int fd, const struct stat *st, const char *path, const char *folder,
                              GError **error)
{
  g_autoptr (HookrunManifest) self = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;
  gboolean ok;

  if (!S_ISREG (st->st_mode) || (guint64)st->st_size > HOOKRUN_MANIFEST_MAX_SIZE) {
    gboolean is_file = S_ISREG (st->st_mode);

    g_set_error (error, HOOKRUN_ERROR, is_file ? HOOKRUN_ERROR_LIMIT : HOOKRUN_ERROR_INVALID,
                 is_file
                     ? "\"%s\" is larger than the limit of %d bytes for a manifest; shorten it, "
                       "or name the file that is one"
                     : "\"%s\" is not a regular file (a manifest has at most %d bytes)",
                 path, HOOKRUN_MANIFEST_MAX_SIZE);
    close (fd);
    return NULL;
  }
  ok = hookrun_manifest_read_text (fd, (gsize)st->st_size, path, &text, &length, error);
  close (fd);
  if (!ok)
    return NULL;
  self = hookrun_manifest_alloc (path, folder);
  if (!hookrun_manifest_parse_text (self, text, length, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * hookrun_manifest_new_from_file:
 * @path: (type filename): a file
 * @error: return location for an error
 *
 * Reads a manifest. The file and each folder on the way to it must belong to root or the user and
 * be writable by no one else. At most 1 MiB and 32 nested levels are read. Relative names in it
 * start at its folder. Thread-safe.
 *
 * Returns: (transfer full): the manifest; %NULL with %HOOKRUN_ERROR_UNTRUSTED,
 *   %HOOKRUN_ERROR_NOT_FOUND, %HOOKRUN_ERROR_LIMIT, or %HOOKRUN_ERROR_INVALID that names the key
 *
 * Since: 1.0
 */
HookrunManifest *
hookrun_manifest_new_from_file (const char *path, GError **error)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *folder = g_path_get_dirname (absolute);
  struct stat st;
  int fd = hookrun_trust_open (absolute, O_RDONLY, &st, error);

  if (fd < 0)
    return NULL;
  return hookrun_manifest_new_from_fd (fd, &st, absolute, folder, error);
}

/**
 * hookrun_manifest_new_from_json:
 * @node: a JSON object with the keys of a manifest
 * @origin: where it comes from, for messages: `shop.ini, section "plugin:crontab"`
 * @folder: (nullable) (type filename): the folder where relative names in it start
 * @error: return location for an error
 *
 * Makes a manifest from the user's own configuration. Thread-safe.
 *
 * Returns: (transfer full): the manifest; %NULL with %HOOKRUN_ERROR_INVALID that names the key
 *
 * Since: 1.0
 */
HookrunManifest *
hookrun_manifest_new_from_json (JsonNode *node, const char *origin, const char *folder,
                                GError **error)
{
  g_autofree char *absolute = folder != NULL ? g_canonicalize_filename (folder, NULL) : NULL;
  g_autoptr (HookrunManifest) self = hookrun_manifest_alloc (origin, absolute);

  if (hookrun_manifest_parse_node (self, node, error))
    return g_steal_pointer (&self);
  g_prefix_error (error, "%s: ", origin);
  return NULL;
}
