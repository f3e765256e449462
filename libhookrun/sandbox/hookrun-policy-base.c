/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The base of a policy: what a program that is linked in the usual way, a Python and a shell script
 * need in order to start and to know their time zone, locale and machine. Nothing in it is secret
 * or the user's own, and nothing in it can be written but three devices without memory.
 */
#include "hookrun-policy-private.h"

/* What does not exist on a system is left out. Links are listed because older systems have folders
 * there; where they are links, granting them is granting what they lead to. */
static const struct {
  const char *path;
  HookrunAccess access;
} base[] = {
    {"/usr", HOOKRUN_ACCESS_EXECUTE},
    {"/bin", HOOKRUN_ACCESS_EXECUTE},
    {"/sbin", HOOKRUN_ACCESS_EXECUTE},
    {"/lib", HOOKRUN_ACCESS_EXECUTE},
    {"/lib32", HOOKRUN_ACCESS_EXECUTE},
    {"/lib64", HOOKRUN_ACCESS_EXECUTE},
    {"/libx32", HOOKRUN_ACCESS_EXECUTE},
    {"/etc/alternatives", HOOKRUN_ACCESS_READ},
    {"/etc/group", HOOKRUN_ACCESS_READ},
    {"/etc/ld.so.cache", HOOKRUN_ACCESS_READ},
    {"/etc/localtime", HOOKRUN_ACCESS_READ},
    {"/etc/locale.alias", HOOKRUN_ACCESS_READ},
    {"/etc/nsswitch.conf", HOOKRUN_ACCESS_READ},
    {"/etc/passwd", HOOKRUN_ACCESS_READ},
    {"/etc/timezone", HOOKRUN_ACCESS_READ},
    {"/proc/cpuinfo", HOOKRUN_ACCESS_READ},
    {"/proc/filesystems", HOOKRUN_ACCESS_READ},
    {"/proc/meminfo", HOOKRUN_ACCESS_READ},
    {"/proc/stat", HOOKRUN_ACCESS_READ},
    {"/proc/sys/kernel/ngroups_max", HOOKRUN_ACCESS_READ},
    {"/proc/sys/vm/overcommit_memory", HOOKRUN_ACCESS_READ},
    {"/dev/null", HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_WRITE},
    {"/dev/random", HOOKRUN_ACCESS_READ},
    {"/dev/urandom", HOOKRUN_ACCESS_READ},
    {"/dev/zero", HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_WRITE},
};

void
hookrun_policy_base_grants (GPtrArray *grants)
{
  for (guint i = 0; i < G_N_ELEMENTS (base); i++) {
    HookrunAccess access = base[i].access;

    if ((access & HOOKRUN_ACCESS_EXECUTE) != 0)
      access |= HOOKRUN_ACCESS_READ;
    hookrun_grants_add (grants, base[i].path, access, TRUE);
  }
}

const char *const *
hookrun_policy_base_variables (void)
{
  static const char *const names[] = {"LANG",     "LANGUAGE",    "LC_ALL",     "LC_COLLATE",
                                      "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME",
                                      "NO_COLOR", "TERM",        "TZ",         NULL};

  return names;
}
