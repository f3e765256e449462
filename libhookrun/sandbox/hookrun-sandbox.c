/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sandbox as callers see it: a policy, what is built for it once, and launches. */
#include "hookrun-confinement-private.h"

struct _HookrunSandbox {
  GObject parent_instance;
  HookrunPolicy *policy;
  HookrunLayer layers;
  HookrunFeatures *pretend;
  GMutex lock;                     /* for what follows */
  HookrunConfinement *confinement; /* NULL: not prepared */
};

G_DEFINE_FINAL_TYPE (HookrunSandbox, hookrun_sandbox, G_TYPE_OBJECT)

static void
hookrun_sandbox_finalize (GObject *object)
{
  HookrunSandbox *self = HOOKRUN_SANDBOX (object);

  g_clear_pointer (&self->confinement, hookrun_confinement_free);
  g_clear_pointer (&self->policy, hookrun_policy_unref);
  g_free (self->pretend);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (hookrun_sandbox_parent_class)->finalize (object);
}

static void
hookrun_sandbox_class_init (HookrunSandboxClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_sandbox_finalize;
}

static void
hookrun_sandbox_init (HookrunSandbox *self)
{
  g_mutex_init (&self->lock);
  self->layers = HOOKRUN_LAYER_ALL;
}

/**
 * hookrun_sandbox_new:
 * @policy: what programs in it may do; copied
 *
 * Makes a sandbox. Nothing is looked at or built yet.
 *
 * Returns: (transfer full): a new sandbox
 *
 * Since: 1.0
 */
HookrunSandbox *
hookrun_sandbox_new (HookrunPolicy *policy)
{
  HookrunSandbox *self;

  g_return_val_if_fail (policy != NULL, NULL);
  self = g_object_new (HOOKRUN_TYPE_SANDBOX, NULL);
  self->policy = hookrun_policy_copy (policy);
  return self;
}

/**
 * hookrun_sandbox_get_policy:
 * @self: a sandbox
 *
 * Gets the sandbox's own copy of its policy. It is not to be changed.
 *
 * Returns: (transfer none): a policy
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_sandbox_get_policy (HookrunSandbox *self)
{
  g_return_val_if_fail (HOOKRUN_IS_SANDBOX (self), NULL);
  return self->policy;
}

void
hookrun_sandbox_leave_out (HookrunSandbox *self, HookrunLayer layers)
{
  self->layers &= ~layers;
}

void
hookrun_sandbox_pretend (HookrunSandbox *self, const HookrunFeatures *features)
{
  g_free (self->pretend);
  self->pretend = g_memdup2 (features, sizeof *features);
}

/* (transfer none): it stays as long as the sandbox does. */
static HookrunConfinement *
get_confinement (HookrunSandbox *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->confinement == NULL)
    self->confinement = hookrun_confinement_new (self->policy, self->layers, self->pretend, error);
  return self->confinement;
}

/**
 * hookrun_sandbox_prepare:
 * @self: a sandbox
 *
 * Finds out whether this system can keep every promise of the policy, opens what it grants, and
 * builds what launches share. The first launch does that otherwise. Preparing again does nothing
 * once it has worked; paths are not looked up again.
 *
 * Returns: %TRUE, or %FALSE with %HOOKRUN_ERROR_UNSUPPORTED (the message names the promise, the
 *   feature that is missing, and how to turn it on; programs exit with
 *   %HOOKRUN_EXIT_NOT_CONFINED then), %HOOKRUN_ERROR_NOT_FOUND for a path that is granted and not
 *   there, or %HOOKRUN_ERROR_IO
 *
 * Since: 1.0
 */
gboolean
hookrun_sandbox_prepare (HookrunSandbox *self, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_SANDBOX (self), FALSE);
  return get_confinement (self, error) != NULL;
}

/**
 * hookrun_sandbox_get_tier:
 * @self: a sandbox
 *
 * Gets the tier that the sandbox uses: once it is prepared, the one that was chosen.
 *
 * Returns: the tier
 *
 * Since: 1.0
 */
HookrunTier
hookrun_sandbox_get_tier (HookrunSandbox *self)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (HOOKRUN_IS_SANDBOX (self), HOOKRUN_TIER_AUTO);
  locker = g_mutex_locker_new (&self->lock);
  return self->confinement != NULL ? self->confinement->tier : self->policy->tier;
}

/**
 * hookrun_sandbox_spawn:
 * @self: a sandbox
 * @launch: what to launch
 *
 * Launches a program in the sandbox, and returns when it has begun to run. May be called from any
 * thread.
 *
 * Returns: (transfer full): the confined program, or %NULL with an error of
 *   [method@Hookrun.Sandbox.prepare], %HOOKRUN_ERROR_NOT_FOUND when there is no such program,
 *   %HOOKRUN_ERROR_PERMISSION when the policy or its file's mode does not allow to run it, or
 *   %HOOKRUN_ERROR_IO
 *
 * Since: 1.0
 */
HookrunConfined *
hookrun_sandbox_spawn (HookrunSandbox *self, HookrunLaunch *launch, GError **error)
{
  HookrunConfinement *confinement;
  g_autoptr (HookrunTree) tree = NULL;

  g_return_val_if_fail (HOOKRUN_IS_SANDBOX (self) && launch != NULL, NULL);
  confinement = get_confinement (self, error);
  tree = confinement != NULL ? hookrun_confinement_spawn (confinement, launch, error) : NULL;
  return tree != NULL ? hookrun_confined_new (tree) : NULL;
}
