/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The environment that a policy makes for programs: nothing of the host's but what it names. */
#include "hookrun-policy-private.h"

#include <string.h>

static gboolean
check_variable (const char *name, GError **error)
{
  gsize length = strlen (name);

  if (length > 0 && length < 256 && !g_ascii_isdigit (name[0]) &&
      strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_") == length)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%.60s\" is no name of an environment variable: write letters, digits and \"_\"",
               name);
  return FALSE;
}

/**
 * hookrun_policy_pass_variable:
 * @self: a policy
 * @name: name of an environment variable
 *
 * Passes a variable on from the host's environment when it is set there.
 *
 * Returns: %TRUE, or %FALSE with %HOOKRUN_ERROR_INVALID
 *
 * Since: 1.0
 */
gboolean
hookrun_policy_pass_variable (HookrunPolicy *self, const char *name, GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  if (!check_variable (name, error))
    return FALSE;
  hookrun_policy_add_variable (self->variables, name, NULL);
  return TRUE;
}

/**
 * hookrun_policy_set_variable:
 * @self: a policy
 * @name: name of an environment variable
 * @value: its value
 *
 * Gives programs a variable, whatever the host's environment has.
 *
 * Returns: %TRUE, or %FALSE with %HOOKRUN_ERROR_INVALID
 *
 * Since: 1.0
 */
gboolean
hookrun_policy_set_variable (HookrunPolicy *self, const char *name, const char *value,
                             GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL && value != NULL, FALSE);
  if (!check_variable (name, error))
    return FALSE;
  hookrun_policy_add_variable (self->variables, name, value);
  return TRUE;
}

static void
pass (char ***environment, const char *const *host, const char *name)
{
  const char *value =
      host != NULL ? g_environ_getenv ((char **)(gpointer)host, name) : g_getenv (name);

  if (value != NULL)
    *environment = g_environ_setenv (*environment, name, value, TRUE);
}

/**
 * hookrun_policy_make_environment:
 * @self: a policy
 * @host: (nullable) (array zero-terminated=1): the host's environment; %NULL for that of this
 *   process
 *
 * Makes the environment that a program gets: a `PATH` of the system's folders, the locale and the
 * time zone if the policy has the base, and what it passes on and sets.
 *
 * Returns: (transfer full) (array zero-terminated=1): `NAME=VALUE` strings
 *
 * Since: 1.0
 */
char **
hookrun_policy_make_environment (HookrunPolicy *self, const char *const *host)
{
  char **environment = g_new0 (char *, 1);

  g_return_val_if_fail (self != NULL, environment);
  if (self->has_base) {
    environment = g_environ_setenv (environment, "PATH", "/usr/local/bin:/usr/bin:/bin", TRUE);
    for (const char *const *name = hookrun_policy_base_variables (); *name != NULL; name++)
      pass (&environment, host, *name);
  }
  for (guint i = 0; i < self->variables->len; i++) {
    const HookrunVariable *variable = g_ptr_array_index (self->variables, i);

    if (variable->value != NULL)
      environment = g_environ_setenv (environment, variable->name, variable->value, TRUE);
    else
      pass (&environment, host, variable->name);
  }
  return environment;
}
