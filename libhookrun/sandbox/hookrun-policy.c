/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy as a value: made, filled, copied, compared, put together. */
#include "hookrun-policy-private.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (HookrunPolicy, hookrun_policy, hookrun_policy_ref, hookrun_policy_unref)

/**
 * hookrun_policy_new:
 *
 * Makes a policy that grants nothing. Only a program that is linked statically could start under
 * it, once it is granted itself.
 *
 * Returns: (transfer full): a new policy
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_policy_new (void)
{
  HookrunPolicy *self = g_new0 (HookrunPolicy, 1);

  g_atomic_ref_count_init (&self->references);
  self->grants = hookrun_grants_new ();
  self->sockets = g_ptr_array_new_with_free_func (g_free);
  self->variables = g_ptr_array_new_with_free_func (hookrun_variable_free);
  self->connect = g_array_new (FALSE, FALSE, sizeof (guint16));
  self->bind = g_array_new (FALSE, FALSE, sizeof (guint16));
  return self;
}

/**
 * hookrun_policy_new_base:
 *
 * Makes a policy under which ordinary programs, Python and the shell start: they may read and run
 * what lies below `/usr` and in the folders that belong to it, read about a dozen named files of
 * `/etc` and `/proc`, use `/dev/null`, `/dev/zero`, `/dev/random` and `/dev/urandom`, and get the
 * locale, the time zone and the terminal's kind from the environment. Nothing else.
 *
 * Returns: (transfer full): a new policy
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_policy_new_base (void)
{
  HookrunPolicy *self = hookrun_policy_new ();

  self->has_base = TRUE;
  return self;
}

/**
 * hookrun_policy_copy:
 * @self: a policy
 *
 * Copies a policy; the copy is changed apart from the original.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_policy_copy (HookrunPolicy *self)
{
  HookrunPolicy *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = hookrun_policy_new ();
  hookrun_policy_add (copy, self);
  return copy;
}

/**
 * hookrun_policy_ref:
 * @self: a policy
 *
 * Takes a reference. May be called from any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_policy_ref (HookrunPolicy *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&self->references);
  return self;
}

/**
 * hookrun_policy_unref:
 * @self: (transfer full): a policy
 *
 * Gives a reference back. May be called from any thread.
 *
 * Since: 1.0
 */
void
hookrun_policy_unref (HookrunPolicy *self)
{
  g_return_if_fail (self != NULL);
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_ptr_array_unref (self->grants);
  g_ptr_array_unref (self->sockets);
  g_ptr_array_unref (self->variables);
  g_array_unref (self->connect);
  g_array_unref (self->bind);
  g_free (self);
}

/**
 * hookrun_policy_equal:
 * @self: a policy
 * @other: another
 *
 * Compares what two policies allow and how they are enforced, in whatever order they were filled.
 *
 * Returns: whether they are the same
 *
 * Since: 1.0
 */
gboolean
hookrun_policy_equal (HookrunPolicy *self, HookrunPolicy *other)
{
  g_autofree char *own = NULL;
  g_autofree char *its = NULL;

  g_return_val_if_fail (self != NULL && other != NULL, FALSE);
  if (self == other)
    return TRUE;
  own = hookrun_policy_to_json (self);
  its = hookrun_policy_to_json (other);
  return strcmp (own, its) == 0;
}

/* ---- how it is enforced ---- */

/**
 * hookrun_policy_set_limit:
 * @self: a policy
 * @limit: what to limit
 * @value: milliseconds, bytes or a count, as the limit has it; 0 for no limit
 *
 * Sets a limit. A program that goes beyond is ended. The totals of memory, processes (the dead that
 * nobody waited for among them) and processor time are exact where this process can make control
 * groups; elsewhere they are looked at some times a second, so that a program may get more for a
 * moment before it is ended: a fork bomb of root some hundred processes.
 *
 * Since: 1.0
 */
void
hookrun_policy_set_limit (HookrunPolicy *self, HookrunLimit limit, guint64 value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (limit > HOOKRUN_LIMIT_NONE && limit < HOOKRUN_N_LIMITS);
  self->limits[limit] = value;
}

/**
 * hookrun_policy_get_limit:
 * @self: a policy
 * @limit: what is limited
 *
 * Gets a limit.
 *
 * Returns: milliseconds, bytes or a count, as the limit has it; 0 for no limit
 *
 * Since: 1.0
 */
guint64
hookrun_policy_get_limit (HookrunPolicy *self, HookrunLimit limit)
{
  g_return_val_if_fail (self != NULL && (guint)limit < HOOKRUN_N_LIMITS, 0);
  return self->limits[limit];
}

/**
 * hookrun_policy_set_tier:
 * @self: a policy
 * @tier: how to enforce it
 *
 * Sets how the policy is enforced; %HOOKRUN_TIER_AUTO is the default.
 *
 * Since: 1.0
 */
void
hookrun_policy_set_tier (HookrunPolicy *self, HookrunTier tier)
{
  g_return_if_fail (self != NULL);
  self->tier = tier;
}

/**
 * hookrun_policy_get_tier:
 * @self: a policy
 *
 * Gets how the policy is to be enforced.
 *
 * Returns: the tier
 *
 * Since: 1.0
 */
HookrunTier
hookrun_policy_get_tier (HookrunPolicy *self)
{
  g_return_val_if_fail (self != NULL, HOOKRUN_TIER_AUTO);
  return self->tier;
}

/**
 * hookrun_policy_set_hides:
 * @self: a policy
 * @hides: whether what is not granted is to be invisible, too
 *
 * Sets whether files that are not granted are invisible. Otherwise they cannot be read or changed,
 * but a program can find out that they are there, how large they are and whose. Keeping this
 * promise needs the strong tier.
 *
 * Since: 1.0
 */
void
hookrun_policy_set_hides (HookrunPolicy *self, gboolean hides)
{
  g_return_if_fail (self != NULL);
  self->hides = hides != FALSE;
}

/**
 * hookrun_policy_get_hides:
 * @self: a policy
 *
 * Gets whether files that are not granted are to be invisible.
 *
 * Returns: whether they are
 *
 * Since: 1.0
 */
gboolean
hookrun_policy_get_hides (HookrunPolicy *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  return self->hides;
}

static guint64
stricter (guint64 one, guint64 other)
{
  if (one == 0 || other == 0)
    return MAX (one, other);
  return MIN (one, other);
}

/**
 * hookrun_policy_add:
 * @self: the policy to add to
 * @other: the policy to add
 *
 * Grants all that @other grants, too. Of two limits the stricter one holds, of two tiers the
 * stronger one.
 *
 * Since: 1.0
 */
void
hookrun_policy_add (HookrunPolicy *self, HookrunPolicy *other)
{
  g_return_if_fail (self != NULL && other != NULL);
  self->has_base = self->has_base || other->has_base;
  self->hides = self->hides || other->hides;
  self->tier = MAX (self->tier, other->tier);
  self->network = MAX (self->network, other->network);
  for (guint i = 0; i < other->grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (other->grants, i);

    hookrun_grants_add (self->grants, grant->path, grant->access, FALSE);
  }
  for (guint i = 0; i < other->sockets->len; i++)
    hookrun_policy_add_socket (self->sockets, g_ptr_array_index (other->sockets, i));
  for (guint i = 0; i < other->variables->len; i++) {
    const HookrunVariable *variable = g_ptr_array_index (other->variables, i);

    hookrun_policy_add_variable (self->variables, variable->name, variable->value);
  }
  for (guint i = 0; i < other->connect->len; i++)
    hookrun_policy_add_port (self->connect, g_array_index (other->connect, guint16, i));
  for (guint i = 0; i < other->bind->len; i++)
    hookrun_policy_add_port (self->bind, g_array_index (other->bind, guint16, i));
  for (guint i = 1; i < HOOKRUN_N_LIMITS; i++)
    self->limits[i] = stricter (self->limits[i], other->limits[i]);
}
