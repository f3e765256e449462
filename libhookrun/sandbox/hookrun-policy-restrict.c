/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What two policies allow both. Paths are resolved first: a link that one of them names could lead
 * to where the other does not allow anything.
 */
#include "hookrun-policy-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* (transfer full): @path without links; a path that is not there stays as it is and fails later. */
static char *
resolve (const char *path)
{
  char *real = realpath (path, NULL);
  char *copy = g_strdup (real != NULL ? real : path);

  free (real);
  return copy;
}

static GPtrArray *
resolve_grants (HookrunPolicy *policy)
{
  g_autoptr (GPtrArray) grants = hookrun_policy_collect_grants (policy);
  GPtrArray *resolved = hookrun_grants_new ();

  for (guint i = 0; i < grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (grants, i);
    g_autofree char *path = resolve (grant->path);

    hookrun_grants_add (resolved, path, grant->access, grant->is_optional);
  }
  return resolved;
}

static gboolean
is_at_or_below (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  return length == 1 ||
         (strncmp (path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/'));
}

static HookrunAccess
find_access (GPtrArray *grants, const char *path)
{
  HookrunAccess access = HOOKRUN_ACCESS_NONE;

  for (guint i = 0; i < grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (grants, i);

    if (is_at_or_below (path, grant->path))
      access |= grant->access;
  }
  return access;
}

/* Whatever both allow is allowed at the deeper one of the two paths that allow it. */
static void
add_common (GPtrArray *common, GPtrArray *paths, GPtrArray *others, GPtrArray *base)
{
  for (guint i = 0; i < paths->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (paths, i);
    HookrunAccess access = find_access (paths, grant->path) & find_access (others, grant->path);

    if ((access & ~find_access (base, grant->path)) != HOOKRUN_ACCESS_NONE)
      hookrun_grants_add (common, grant->path, access, grant->is_optional);
  }
}

static void
restrict_grants (HookrunPolicy *self, HookrunPolicy *other, gboolean has_base)
{
  g_autoptr (GPtrArray) own = resolve_grants (self);
  g_autoptr (GPtrArray) others = resolve_grants (other);
  g_autoptr (HookrunPolicy) plain = has_base ? hookrun_policy_new_base () : hookrun_policy_new ();
  g_autoptr (GPtrArray) base = resolve_grants (plain);
  GPtrArray *common = hookrun_grants_new ();

  add_common (common, own, others, base);
  add_common (common, others, own, base);
  g_ptr_array_unref (self->grants);
  self->grants = common;
}

static void
restrict_sockets (HookrunPolicy *self, HookrunPolicy *other)
{
  for (guint i = self->sockets->len; i > 0; i--)
    if (!g_ptr_array_find_with_equal_func (other->sockets, g_ptr_array_index (self->sockets, i - 1),
                                           g_str_equal, NULL))
      g_ptr_array_remove_index (self->sockets, i - 1);
}

static void
keep_common_ports (GArray *ports, GArray *others)
{
  for (guint i = ports->len; i > 0; i--) {
    gboolean is_common = FALSE;

    for (guint j = 0; j < others->len && !is_common; j++)
      is_common = g_array_index (ports, guint16, i - 1) == g_array_index (others, guint16, j);
    if (!is_common)
      g_array_remove_index (ports, i - 1);
  }
}

static void
take_ports (GArray *ports, const GArray *others)
{
  g_array_set_size (ports, 0);
  g_array_append_vals (ports, others->data, others->len);
}

static void
restrict_network (HookrunPolicy *self, HookrunPolicy *other)
{
  if (self->network == HOOKRUN_NETWORK_PORTS && other->network == HOOKRUN_NETWORK_PORTS) {
    keep_common_ports (self->connect, other->connect);
    keep_common_ports (self->bind, other->bind);
  } else if (other->network == HOOKRUN_NETWORK_PORTS && self->network == HOOKRUN_NETWORK_ALL) {
    take_ports (self->connect, other->connect);
    take_ports (self->bind, other->bind);
  }
  self->network = MIN (self->network, other->network);
}

static const HookrunVariable *
find_variable (HookrunPolicy *policy, const char *name)
{
  for (guint i = 0; i < policy->variables->len; i++) {
    const HookrunVariable *variable = g_ptr_array_index (policy->variables, i);

    if (g_str_equal (variable->name, name))
      return variable;
  }
  return NULL;
}

/* A value that is written down tells nothing of the host, whoever wrote it. */
static void
restrict_variables (HookrunPolicy *self, HookrunPolicy *other)
{
  for (guint i = self->variables->len; i > 0; i--) {
    const HookrunVariable *variable = g_ptr_array_index (self->variables, i - 1);

    if (variable->value == NULL && find_variable (other, variable->name) == NULL)
      g_ptr_array_remove_index (self->variables, i - 1);
  }
  for (guint i = 0; i < other->variables->len; i++) {
    const HookrunVariable *variable = g_ptr_array_index (other->variables, i);

    if (variable->value != NULL)
      hookrun_policy_add_variable (self->variables, variable->name, variable->value);
  }
}

static guint64
stricter (guint64 one, guint64 other)
{
  return one == 0 || other == 0 ? MAX (one, other) : MIN (one, other);
}

/**
 * hookrun_policy_restrict:
 * @self: the policy to take from
 * @other: a policy that is to hold, too
 *
 * Leaves of @self only what @other allows as well. Links in granted paths are followed now, so that
 * neither policy can lead the other one astray. Of two limits the stricter one holds, of two tiers
 * the stronger one. Variables that @other sets have its values.
 *
 * Since: 1.0
 */
void
hookrun_policy_restrict (HookrunPolicy *self, HookrunPolicy *other)
{
  gboolean has_base;

  g_return_if_fail (self != NULL && other != NULL);
  has_base = self->has_base && other->has_base;
  restrict_grants (self, other, has_base);
  restrict_sockets (self, other);
  restrict_network (self, other);
  restrict_variables (self, other);
  self->has_base = has_base;
  self->hides = self->hides || other->hides;
  self->tier = MAX (self->tier, other->tier);
  for (guint i = 1; i < HOOKRUN_N_LIMITS; i++)
    self->limits[i] = stricter (self->limits[i], other->limits[i]);
}
