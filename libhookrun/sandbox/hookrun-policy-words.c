/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy in plain words, for the person who is asked whether it is all right. */
#include "hookrun-policy-private.h"

static const struct {
  HookrunAccess access;
  const char *words;
} accesses[] = {
    {HOOKRUN_ACCESS_READ, "read"},
    {HOOKRUN_ACCESS_WRITE, "write only"},
    {HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_WRITE, "read and change"},
    {HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_EXECUTE, "read and run"},
    {HOOKRUN_ACCESS_ALL, "read, change and run"},
};

static const struct {
  HookrunLimit limit;
  const char *words;
} limits[] = {
    {HOOKRUN_LIMIT_WALL, "run no longer than %s"},
    {HOOKRUN_LIMIT_CPU, "use no more than %s of processor time"},
    {HOOKRUN_LIMIT_MEMORY, "use no more than %s of memory"},
    {HOOKRUN_LIMIT_PROCESSES, "have no more than %s processes and threads"},
    {HOOKRUN_LIMIT_FILE_SIZE, "write no file larger than %s"},
    {HOOKRUN_LIMIT_DISK, "add no more than %s to the folders that it may change"},
    {HOOKRUN_LIMIT_DESCRIPTORS, "have no more than %s files open at a time in each process"},
};

/* Paths come from files that others wrote: what a terminal would obey is made visible. */
static void
append_visible (GString *text, const char *path)
{
  for (const char *at = path; *at != '\0'; at++)
    if ((guchar)*at < 0x20 || *at == 0x7f)
      g_string_append_printf (text, "\\x%02x", (guint)(guchar)*at);
    else
      g_string_append_c (text, *at);
}

static void
describe_paths (GString *text, HookrunPolicy *policy)
{
  for (guint i = 0; i < G_N_ELEMENTS (accesses); i++) {
    gboolean is_first = TRUE;

    for (guint j = 0; j < policy->grants->len; j++) {
      const HookrunGrant *grant = g_ptr_array_index (policy->grants, j);

      if (grant->access != accesses[i].access)
        continue;
      if (is_first)
        g_string_append_printf (text, "It may %s:\n", accesses[i].words);
      is_first = FALSE;
      g_string_append (text, "  ");
      append_visible (text, grant->path);
      g_string_append_c (text, '\n');
    }
  }
}

static void
append_ports (GString *text, const char *what, const GArray *ports)
{
  for (guint i = 0; i < ports->len; i++)
    g_string_append_printf (text, "%s%u",
                            i == 0                ? what
                            : i + 1 == ports->len ? " and "
                                                  : ", ",
                            (guint)g_array_index (ports, guint16, i));
}

static void
describe_network (GString *text, HookrunPolicy *policy)
{
  if (policy->network == HOOKRUN_NETWORK_NONE) {
    g_string_append (text, "It has no network.\n");
    return;
  }
  if (policy->network == HOOKRUN_NETWORK_ALL) {
    g_string_append (text, "It may use the whole network.\n");
    return;
  }
  g_string_append (text, "It may use the network for TCP only,");
  append_ports (text, " to connect to ports ", policy->connect);
  if (policy->connect->len > 0 && policy->bind->len > 0)
    g_string_append (text, " and");
  append_ports (text, " to listen on ports ", policy->bind);
  if (policy->connect->len == 0 && policy->bind->len == 0)
    g_string_append (text, " and on no port");
  g_string_append (text, ".\n");
}

static void
describe_rest (GString *text, HookrunPolicy *policy)
{
  for (guint i = 0; i < policy->sockets->len; i++) {
    g_string_append (text, "It may talk to the service at ");
    append_visible (text, g_ptr_array_index (policy->sockets, i));
    g_string_append (text, ".\n");
  }
  for (guint i = 0; i < policy->variables->len; i++) {
    const HookrunVariable *variable = g_ptr_array_index (policy->variables, i);

    if (variable->value == NULL)
      g_string_append_printf (text, "It sees the environment variable %s.\n", variable->name);
  }
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    guint64 value = policy->limits[limits[i].limit];
    g_autofree char *amount = hookrun_limit_format (limits[i].limit, value);
    g_auto (GStrv) halves = g_strsplit (limits[i].words, "%s", 2);

    if (value != 0)
      g_string_append_printf (text, "It may %s%s%s.\n", halves[0], amount, halves[1]);
  }
}

/**
 * hookrun_policy_describe:
 * @self: a policy
 *
 * Says in plain words what the policy allows; made for the person who is asked whether to accept
 * it. Control characters in paths are made visible.
 *
 * Returns: (transfer full): lines that end with a newline
 *
 * Since: 1.0
 */
char *
hookrun_policy_describe (HookrunPolicy *self)
{
  GString *text = g_string_new (NULL);

  g_return_val_if_fail (self != NULL, NULL);
  if (self->has_base)
    g_string_append (text, "It may run the programs of the system and read what they need: /usr, a "
                           "few files of /etc and /proc.\n");
  describe_paths (text, self);
  describe_network (text, self);
  describe_rest (text, self);
  g_string_append (text, self->hides
                             ? "Everything else is denied and invisible.\n"
                             : "Everything else is denied; it can see that other files exist.\n");
  return g_string_free (text, FALSE);
}
