/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a policy grants: paths, sockets, the network. */
#include "hookrun-policy-private.h"

#include <limits.h>
#include <string.h>

char *
hookrun_policy_normalize_path (const char *path, GError **error)
{
  g_autofree char *whole = NULL;
  g_auto (GStrv) parts = NULL;

  if (g_str_has_prefix (path, "~/"))
    whole = g_build_filename (g_get_home_dir (), path + 2, NULL);
  else
    whole = g_strdup (path);
  parts = g_strsplit (whole, "/", -1);
  if (*whole != '/' || g_strv_contains ((const char *const *)parts, "..") ||
      strlen (whole) >= PATH_MAX) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%.80s\" cannot be granted: write a path that begins with \"/\" or \"~/\" and "
                 "has no \"..\"",
                 path);
    return NULL;
  }
  return g_canonicalize_filename (whole, "/");
}

/**
 * hookrun_policy_grant:
 * @self: a policy
 * @path: an absolute path without `..`, or one that begins with `~/`
 * @access: what to allow; added to what was granted before
 *
 * Grants a file, or a folder with all that is below it. The path must exist when a sandbox prepares
 * itself; links in it are followed then, once.
 *
 * Returns: %TRUE, or %FALSE with %HOOKRUN_ERROR_INVALID
 *
 * Since: 1.0
 */
gboolean
hookrun_policy_grant (HookrunPolicy *self, const char *path, HookrunAccess access, GError **error)
{
  g_autofree char *normal = NULL;

  g_return_val_if_fail (self != NULL && path != NULL, FALSE);
  normal = hookrun_policy_normalize_path (path, error);
  if (normal == NULL)
    return FALSE;
  if ((access & HOOKRUN_ACCESS_EXECUTE) != 0)
    access |= HOOKRUN_ACCESS_READ;
  if (access != HOOKRUN_ACCESS_NONE)
    hookrun_grants_add (self->grants, normal, access & HOOKRUN_ACCESS_ALL, FALSE);
  return TRUE;
}

GPtrArray *
hookrun_policy_collect_grants (HookrunPolicy *self)
{
  GPtrArray *all = hookrun_grants_new ();

  if (self->has_base)
    hookrun_policy_base_grants (all);
  for (guint i = 0; i < self->grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (self->grants, i);

    hookrun_grants_add (all, grant->path, grant->access, FALSE);
  }
  return all;
}

static gboolean
is_at_or_below (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  if (length == 1)
    return TRUE;
  return strncmp (path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/**
 * hookrun_policy_get_access:
 * @self: a policy
 * @path: an absolute path
 *
 * Tells what the policy grants for a path, by itself and by the folders that it is in. Links are
 * not followed.
 *
 * Returns: what may be done with it
 *
 * Since: 1.0
 */
HookrunAccess
hookrun_policy_get_access (HookrunPolicy *self, const char *path)
{
  g_autoptr (GPtrArray) grants = NULL;
  g_autofree char *normal = NULL;
  HookrunAccess access = HOOKRUN_ACCESS_NONE;

  g_return_val_if_fail (self != NULL && path != NULL, HOOKRUN_ACCESS_NONE);
  normal = hookrun_policy_normalize_path (path, NULL);
  if (normal == NULL)
    return HOOKRUN_ACCESS_NONE;
  grants = hookrun_policy_collect_grants (self);
  for (guint i = 0; i < grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (grants, i);

    if (is_at_or_below (normal, grant->path))
      access |= grant->access;
  }
  return access;
}

/**
 * hookrun_policy_list_paths:
 * @self: a policy
 * @access: accesses
 *
 * Lists the paths that are granted with all of @access, in alphabetical order, without those of the
 * base.
 *
 * Returns: (transfer full) (array zero-terminated=1): absolute paths
 *
 * Since: 1.0
 */
char **
hookrun_policy_list_paths (HookrunPolicy *self, HookrunAccess access)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();

  g_return_val_if_fail (self != NULL, NULL);
  for (guint i = 0; i < self->grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (self->grants, i);

    if ((grant->access & access) == access)
      g_strv_builder_add (paths, grant->path);
  }
  return g_strv_builder_end (paths);
}

/**
 * hookrun_policy_grant_socket:
 * @self: a policy
 * @path: an absolute path without `..`, or one that begins with `~/`
 *
 * Allows to connect to the Unix socket at a path. Without such grants there are no Unix sockets but
 * pairs. Keeping this promise needs the strong tier.
 *
 * Returns: %TRUE, or %FALSE with %HOOKRUN_ERROR_INVALID
 *
 * Since: 1.0
 */
gboolean
hookrun_policy_grant_socket (HookrunPolicy *self, const char *path, GError **error)
{
  g_autofree char *normal = NULL;

  g_return_val_if_fail (self != NULL && path != NULL, FALSE);
  normal = hookrun_policy_normalize_path (path, error);
  if (normal == NULL)
    return FALSE;
  hookrun_policy_add_socket (self->sockets, normal);
  return TRUE;
}

/**
 * hookrun_policy_set_network:
 * @self: a policy
 * @network: what of the network may be used
 *
 * Sets what of the network may be used.
 *
 * Since: 1.0
 */
void
hookrun_policy_set_network (HookrunPolicy *self, HookrunNetwork network)
{
  g_return_if_fail (self != NULL);
  self->network = network;
}

/**
 * hookrun_policy_get_network:
 * @self: a policy
 *
 * Gets what of the network may be used.
 *
 * Returns: what may be used
 *
 * Since: 1.0
 */
HookrunNetwork
hookrun_policy_get_network (HookrunPolicy *self)
{
  g_return_val_if_fail (self != NULL, HOOKRUN_NETWORK_NONE);
  return self->network;
}

/**
 * hookrun_policy_grant_connect:
 * @self: a policy
 * @port: a TCP port
 *
 * Allows to connect to a TCP port of any host. Where no network was allowed, this allows
 * %HOOKRUN_NETWORK_PORTS.
 *
 * Since: 1.0
 */
void
hookrun_policy_grant_connect (HookrunPolicy *self, guint16 port)
{
  g_return_if_fail (self != NULL);
  hookrun_policy_add_port (self->connect, port);
  self->network = MAX (self->network, HOOKRUN_NETWORK_PORTS);
}

/**
 * hookrun_policy_grant_bind:
 * @self: a policy
 * @port: a TCP port; 0 is any that the system chooses
 *
 * Allows to listen on a TCP port. Where no network was allowed, this allows %HOOKRUN_NETWORK_PORTS.
 *
 * Since: 1.0
 */
void
hookrun_policy_grant_bind (HookrunPolicy *self, guint16 port)
{
  g_return_if_fail (self != NULL);
  hookrun_policy_add_port (self->bind, port);
  self->network = MAX (self->network, HOOKRUN_NETWORK_PORTS);
}
