/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what a user writes for a host to the kind of target that reaches it. */
#include "hookrun-target-private.h"

#include <string.h>

#include "hookrun-local-target-private.h"
#include "hookrun-remote-target-private.h"

static HookrunTarget *
new_local (const char *spec, const char *rest, GError **error)
{
  g_autofree char *root = NULL;
  gsize length = strlen (rest);

  if (rest[0] == '\0')
    return hookrun_local_target_new (spec, NULL);
  if (rest[0] != '/') {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "target \"%s\": what follows \"local:\" must be an absolute folder or nothing",
                 spec);
    return NULL;
  }
  while (length > 0 && rest[length - 1] == '/')
    length--;
  root = g_strndup (rest, length);
  return hookrun_local_target_new (spec, length > 0 ? root : NULL);
}

static HookrunTarget *
new_program (const char *spec, const char *rest, GError **error)
{
  return hookrun_remote_target_new (spec, rest, TRUE, error);
}

static const struct {
  const char *prefix;
  HookrunTarget *(*make) (const char *spec, const char *rest, GError **error);
} kinds[] = {
    {"local:", new_local},
    {"ssh-program:", new_program},
};

/**
 * hookrun_target_new_for_spec:
 * @spec: where: `local:` is this machine; `local:/folder` is that folder of it, in which absolute
 *   paths then lie; `[user@]host[:port]` and `ssh://[user@]host[:port]` are reached by ssh, `host`
 *   being looked up in the user's configuration of ssh; `ssh-program:[user@]host[:port]` by the
 *   user's `ssh` program only
 * @error: return location
 *
 * Makes a target. Nothing is looked up and nothing connected yet. Errors: %HOOKRUN_ERROR_INVALID.
 *
 * Returns: (transfer full): a new target
 *
 * Since: 1.0
 */
HookrunTarget *
hookrun_target_new_for_spec (const char *spec, GError **error)
{
  g_return_val_if_fail (spec != NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (spec, kinds[i].prefix))
      return kinds[i].make (spec, spec + strlen (kinds[i].prefix), error);
  return hookrun_remote_target_new (spec, spec, FALSE, error);
}
