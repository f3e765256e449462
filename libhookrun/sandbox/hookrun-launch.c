/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be launched in a sandbox. */
#include "hookrun-sandbox-child-private.h"

#include <string.h>
#include <unistd.h>

G_DEFINE_BOXED_TYPE (HookrunLaunch, hookrun_launch, hookrun_launch_ref, hookrun_launch_unref)

/**
 * hookrun_launch_new:
 * @argv: (array zero-terminated=1): the program and its arguments; a program without a slash is
 *   looked up in the `PATH` of its own environment
 *
 * Makes a launch.
 *
 * Returns: (transfer full): a new launch
 *
 * Since: 1.0
 */
HookrunLaunch *
hookrun_launch_new (const char *const *argv)
{
  HookrunLaunch *self;

  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);
  self = g_new0 (HookrunLaunch, 1);
  g_atomic_ref_count_init (&self->references);
  self->argv = g_strdupv ((char **)(gpointer)argv);
  self->folder_fd = -1;
  self->passed = g_array_new (FALSE, FALSE, sizeof (HookrunPassedFd));
  return self;
}

/**
 * hookrun_launch_ref:
 * @self: a launch
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunLaunch *
hookrun_launch_ref (HookrunLaunch *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&self->references);
  return self;
}

/**
 * hookrun_launch_unref:
 * @self: (transfer full): a launch
 *
 * Gives a reference back.
 *
 * Since: 1.0
 */
void
hookrun_launch_unref (HookrunLaunch *self)
{
  g_return_if_fail (self != NULL);
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_strfreev (self->argv);
  g_strfreev (self->environment);
  g_strfreev (self->variables);
  g_free (self->folder);
  g_array_unref (self->passed);
  g_clear_pointer (&self->measure, hookrun_policy_unref);
  g_free (self);
}

/**
 * hookrun_launch_set_environment:
 * @self: a launch
 * @environment: (nullable) (array zero-terminated=1): `NAME=VALUE` strings
 *
 * Sets the whole environment, instead of the one that the policy makes.
 *
 * Since: 1.0
 */
void
hookrun_launch_set_environment (HookrunLaunch *self, const char *const *environment)
{
  char **copy;

  g_return_if_fail (self != NULL);
  copy = g_strdupv ((char **)(gpointer)environment);
  g_strfreev (self->environment);
  self->environment = copy;
}

/**
 * hookrun_launch_set_variable:
 * @self: a launch
 * @name: a name
 * @value: its value
 *
 * Adds a variable to the environment, whichever it is; a variable of that name is replaced.
 *
 * Since: 1.0
 */
void
hookrun_launch_set_variable (HookrunLaunch *self, const char *name, const char *value)
{
  g_return_if_fail (self != NULL && name != NULL && value != NULL);
  g_return_if_fail (*name != '\0' && strchr (name, '=') == NULL);
  self->variables = g_environ_setenv (self->variables, name, value, TRUE);
}

/**
 * hookrun_launch_set_folder:
 * @self: a launch
 * @folder: (nullable): the folder that the program starts in; %NULL for `/`
 *
 * Sets the working folder. It need not be granted; what is in it is accessible as far as the policy
 * says.
 *
 * Since: 1.0
 */
void
hookrun_launch_set_folder (HookrunLaunch *self, const char *folder)
{
  char *copy;

  g_return_if_fail (self != NULL);
  copy = g_strdup (folder);
  g_free (self->folder);
  self->folder = copy;
}

/**
 * hookrun_launch_set_folder_fd:
 * @self: a launch
 * @fd: a folder's descriptor, which must stay open until the launch; -1 for none
 *
 * Sets the working folder by its descriptor, in place of hookrun_launch_set_folder(). On a system
 * without Landlock it is found again by its name, and must be granted.
 *
 * Since: 1.0
 */
void
hookrun_launch_set_folder_fd (HookrunLaunch *self, int fd)
{
  g_return_if_fail (self != NULL);
  self->folder_fd = fd;
}

/**
 * hookrun_launch_pass_fd:
 * @self: a launch
 * @fd: a descriptor of this process, which must stay open until the launch and stays the caller's
 * @target: the number that it has in the program, 0 to 200; 0, 1 and 2 are the standard streams
 *
 * Passes a descriptor to the program. What a descriptor can do is granted with it, whatever the
 * policy says about files. On a system without Landlock a folder is refused, because all other
 * files can be reached from it. At most 60 can be passed.
 *
 * Since: 1.0
 */
void
hookrun_launch_pass_fd (HookrunLaunch *self, int fd, int target)
{
  HookrunPassedFd passed = {fd, target};

  g_return_if_fail (self != NULL && fd >= 0 && target >= 0 && target <= 200);
  for (guint i = 0; i < self->passed->len; i++)
    if (g_array_index (self->passed, HookrunPassedFd, i).target == target) {
      g_array_index (self->passed, HookrunPassedFd, i).fd = fd;
      return;
    }
  g_return_if_fail (self->passed->len < 60);
  g_array_append_val (self->passed, passed);
}

/**
 * hookrun_launch_observe:
 * @self: a launch
 * @measure: (nullable): what the program is measured against, too; copied
 *
 * Has the program observed while it runs, to tell later what was denied: see
 * [method@Hookrun.Confined.list_denials]. It runs under the same confinement, more slowly, and no
 * debugger can be attached to it meanwhile. With @measure also what was allowed and @measure would
 * have denied is told: that is how a policy is learned.
 *
 * Since: 1.0
 */
void
hookrun_launch_observe (HookrunLaunch *self, HookrunPolicy *measure)
{
  HookrunPolicy *copy;

  g_return_if_fail (self != NULL);
  copy = measure != NULL ? hookrun_policy_copy (measure) : NULL;
  g_clear_pointer (&self->measure, hookrun_policy_unref);
  self->measure = copy;
  self->is_observed = TRUE;
}
