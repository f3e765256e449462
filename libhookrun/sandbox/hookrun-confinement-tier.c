/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which tier keeps the promises of a policy on this system. Each promise is a row: what it takes,
 * whether that is here, and how an administrator turns it on. Where there is no Landlock the strong
 * tier keeps the promises about files: what is not granted is not there. Nothing is ever quietly
 * promised less.
 */
#include "hookrun-confinement-private.h"

static gboolean
always (HookrunPolicy *policy)
{
  return TRUE;
}

static gboolean
limits_ports (HookrunPolicy *policy)
{
  return policy->network == HOOKRUN_NETWORK_PORTS;
}

static gboolean
forbids_namespaces (HookrunPolicy *policy)
{
  return policy->tier == HOOKRUN_TIER_FAST;
}

/* A mount can be read-only, not write-only. */
static gboolean
grants_unreadable (HookrunPolicy *policy)
{
  for (guint i = 0; i < policy->grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (policy->grants, i);

    if (grant->access != 0 && (grant->access & HOOKRUN_ACCESS_READ) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Sockets that have no path are in the host's network. */
static gboolean
shares_sockets (HookrunPolicy *policy)
{
  return policy->sockets->len > 0 && policy->network != HOOKRUN_NETWORK_NONE;
}

static gboolean
lacks_scopes (const HookrunFeatures *features)
{
  return features->landlock < HOOKRUN_LANDLOCK_SCOPES;
}

static gboolean
lacks_filter (const HookrunFeatures *features)
{
  return !features->has_filter;
}

static gboolean
lacks_close_range (const HookrunFeatures *features)
{
  return !features->has_close_range;
}

static gboolean
lacks_landlock (const HookrunFeatures *features)
{
  return features->landlock == 0;
}

static gboolean
lacks_ports (const HookrunFeatures *features)
{
  return features->landlock < HOOKRUN_LANDLOCK_TCP;
}

/* The promise, for whom it is made, what is missing, and what to do about it. */
static const struct {
  gboolean (*applies) (HookrunPolicy *policy);
  gboolean (*is_missing) (const HookrunFeatures *features);
  const char *promise;
  const char *feature;
  const char *remedy;
} promises[] = {
    {always, lacks_filter, "that it makes no dangerous system call",
     "system call filters (seccomp)",
     "use a kernel with CONFIG_SECCOMP_FILTER, and a container that does not block seccomp()"},
    {always, lacks_close_range, "that it gets no descriptor but those it is given", "close_range()",
     "use Linux 5.11 or newer, and a container that does not block close_range()"},
    {forbids_namespaces, lacks_landlock,
     "in the tier \"fast\" that it reaches no file but those it is granted", "Landlock",
     "set \"tier\" to \"auto\", or " HOOKRUN_LANDLOCK_REMEDY},
    {grants_unreadable, lacks_landlock, "that it cannot read what it may only write to", "Landlock",
     "grant \"read\", too, or " HOOKRUN_LANDLOCK_REMEDY},
    {shares_sockets, lacks_scopes, "that it reaches no socket but those it is granted",
     "Landlock's rules for sockets without a path",
     "use Linux 6.12 or newer, or set \"network\" to \"none\""},
    {limits_ports, lacks_ports, "that it uses no TCP port but those it is granted",
     "Landlock's rules for TCP ports",
     "use Linux 6.7 or newer, or set \"network\" to \"none\" or \"all\""},
};

static gboolean
needs_namespaces (HookrunPolicy *policy, const HookrunFeatures *features)
{
  return policy->tier == HOOKRUN_TIER_STRONG || policy->hides || policy->sockets->len > 0 ||
         features->landlock == 0;
}

gboolean
hookrun_confinement_choose_tier (HookrunPolicy *policy, const HookrunFeatures *features,
                                 HookrunTier *tier, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (promises); i++)
    if (promises[i].applies (policy) && promises[i].is_missing (features)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                   "the policy promises %s, but this system has no %s: %s", promises[i].promise,
                   promises[i].feature, promises[i].remedy);
      return FALSE;
    }
  *tier = needs_namespaces (policy, features) ? HOOKRUN_TIER_STRONG : HOOKRUN_TIER_FAST;
  if (*tier == HOOKRUN_TIER_FAST || policy->tier != HOOKRUN_TIER_FAST)
    return TRUE;
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
      "the policy asks for the tier \"fast\", which cannot keep what it promises by %s: set "
      "\"tier\" to \"auto\" or \"strong\"",
      policy->hides ? "\"hide\"" : "\"sockets\"");
  return FALSE;
}
