/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds what all launches of a sandbox share: ruleset, filter, broker, and memory for the child.
 */
#include "hookrun-confinement-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

void
hookrun_confinement_free (HookrunConfinement *self)
{
  g_clear_pointer (&self->launcher, hookrun_launcher_free);
  close_fd (&self->ruleset_fd);
  close_fd (&self->null_fd);
  close_fd (&self->broker_fds[0]);
  close_fd (&self->broker_fds[1]);
  if (self->stack != NULL)
    munmap (self->stack, HOOKRUN_STACK_SIZE);
  g_clear_pointer (&self->namespaces, hookrun_namespaces_free);
  g_clear_pointer (&self->cgroups, hookrun_cgroups_unref);
  g_clear_pointer (&self->supervisor, hookrun_supervisor_unref);
  g_clear_pointer (&self->broker, hookrun_broker_unref);
  g_clear_pointer (&self->filter, g_array_unref);
  g_clear_pointer (&self->open_grants, g_ptr_array_unref);
  g_clear_pointer (&self->grants, g_ptr_array_unref);
  g_clear_pointer (&self->policy, hookrun_policy_unref);
  g_mutex_clear (&self->launch);
  g_free (self);
}

static gboolean
build_files (HookrunConfinement *self, GError **error)
{
  self->grants = hookrun_policy_collect_grants (self->policy);
  self->open_grants = hookrun_open_grants (self->grants, error);
  if (self->open_grants == NULL)
    return FALSE;
  if (self->tier == HOOKRUN_TIER_STRONG && (self->layers & HOOKRUN_LAYER_NAMESPACES) != 0) {
    self->namespaces = hookrun_namespaces_new (self->policy, self->open_grants, error);
    if (self->namespaces == NULL)
      return FALSE;
  }
  if ((self->layers & HOOKRUN_LAYER_LANDLOCK) == 0 || self->features.landlock == 0)
    return TRUE;
  self->ruleset_fd =
      hookrun_landlock_build (self->policy, self->open_grants, self->features.landlock, error);
  return self->ruleset_fd >= 0;
}

static gboolean
build_broker (HookrunConfinement *self, GError **error)
{
  if (!self->features.has_broker || (self->layers & HOOKRUN_LAYER_FILTER) == 0)
    return TRUE;
  self->broker = hookrun_broker_new (self->open_grants, self->layers, error);
  if (self->broker == NULL)
    return FALSE;
  if (self->tier == HOOKRUN_TIER_FAST ||
      socketpair (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, self->broker_fds) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot start the sandbox's broker");
  return FALSE;
}

static gboolean
build_filter (HookrunConfinement *self, GError **error)
{
  HookrunPolicy *policy = self->policy;
  gboolean asks_truncate = self->features.landlock < HOOKRUN_LANDLOCK_TRUNCATE;
  gboolean asks_signals =
      self->features.landlock < HOOKRUN_LANDLOCK_SCOPES && self->namespaces == NULL;
  HookrunFilterOptions options = {
      .has_broker = self->broker != NULL,
      .asks_truncate = asks_truncate,
      .asks_signals = asks_signals,
      .has_tcp = policy->network != HOOKRUN_NETWORK_NONE,
      .has_bind = policy->bind->len > 0,
      .has_udp = policy->network == HOOKRUN_NETWORK_ALL,
      .has_unix = policy->sockets->len > 0,
      .keeps_group = (self->layers & HOOKRUN_LAYER_GROUP) != 0,
  };

  if ((self->layers & HOOKRUN_LAYER_FILTER) == 0)
    return TRUE;
  if (getrandom (self->secret, sizeof self->secret, 0) != sizeof self->secret) {
    hookrun_set_error_from_errno (error, errno, "cannot get random numbers for the sandbox");
    return FALSE;
  }
  memcpy (options.secret, self->secret, sizeof options.secret);
  self->filter = hookrun_filter_build (&options);
  if (self->broker != NULL)
    self->filter_flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  if (self->broker != NULL && self->features.has_killable_wait)
    self->filter_flags |= (guint)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  return TRUE;
}

/* Totals that the kernel cannot keep here are looked after by the supervisor. */
static void
build_cgroups (HookrunConfinement *self)
{
  const HookrunLayer needed = HOOKRUN_LAYER_TOTALS | HOOKRUN_LAYER_CGROUPS;

  if ((self->layers & needed) == needed)
    self->cgroups = hookrun_cgroups_new (self->policy);
}

static void
fill_confining_plan (HookrunConfinement *self, HookrunSandboxChildPlan *plan)
{
  plan->layers = self->layers;
  plan->ruleset_fd = self->ruleset_fd;
  plan->gate_fd = -1;
  if (self->filter != NULL) {
    plan->filter.filter = (struct sock_filter *)(gpointer)self->filter->data;
    plan->filter.len = (unsigned short)self->filter->len;
  }
  plan->filter_flags = self->filter_flags;
  plan->report = (HookrunSandboxChildReport *)(gpointer)self->stack;
}

/* The thread that launches, when it can be confined itself, and the thread that watches. */
static gboolean
start_threads (HookrunConfinement *self, GError **error)
{
  HookrunSandboxChildPlan plan = {0};
  int listener = -1;

  fill_confining_plan (self, &plan);
  if (self->tier == HOOKRUN_TIER_FAST) {
    self->launcher = hookrun_launcher_new (&plan, &listener);
    if (self->launcher == NULL) {
      hookrun_confinement_explain (&plan, "cannot start the sandbox: its thread", error);
      return FALSE;
    }
  }
  self->supervisor = hookrun_supervisor_new (listener >= 0 ? self->broker : NULL, listener, error);
  return self->supervisor != NULL;
}

static gboolean
build_rest (HookrunConfinement *self, GError **error)
{
  gpointer memory;

  self->null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (self->null_fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open /dev/null");
    return FALSE;
  }
  memory =
      mmap (NULL, HOOKRUN_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    hookrun_set_error_from_errno (error, errno, "cannot start the sandbox");
    return FALSE;
  }
  self->stack = memory;
  build_cgroups (self);
  return build_filter (self, error) && start_threads (self, error) &&
         (self->namespaces == NULL || hookrun_confinement_try_namespaces (self, error));
}

HookrunConfinement *
hookrun_confinement_new (HookrunPolicy *policy, HookrunLayer layers, const HookrunFeatures *pretend,
                         GError **error)
{
  HookrunConfinement *self = g_new0 (HookrunConfinement, 1);

  g_mutex_init (&self->launch);
  self->policy = hookrun_policy_ref (policy);
  self->layers = layers;
  self->ruleset_fd = -1;
  self->null_fd = -1;
  self->broker_fds[0] = -1;
  self->broker_fds[1] = -1;
  if (pretend != NULL)
    self->features = *pretend;
  else
    hookrun_features_probe (&self->features);
  if (hookrun_confinement_choose_tier (policy, &self->features, &self->tier, error) &&
      build_files (self, error) && build_broker (self, error) && build_rest (self, error))
    return self;
  hookrun_confinement_free (self);
  return NULL;
}
