/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why the user's ssh program could not connect, read from what it printed. */
#include "hookrun-ssh-program-target-private.h"

#include <string.h>

/* OpenSSH prints these in English everywhere. The first that is found decides. */
static const struct {
  const char *text;
  HookrunError code;
} causes[] = {
    {"REMOTE HOST IDENTIFICATION HAS CHANGED", HOOKRUN_ERROR_HOST_KEY_CHANGED},
    {"REVOKED HOST KEY", HOOKRUN_ERROR_HOST_KEY_REVOKED},
    {"is revoked", HOOKRUN_ERROR_HOST_KEY_REVOKED},
    {"marked as revoked", HOOKRUN_ERROR_HOST_KEY_REVOKED},
    {"Host key verification failed", HOOKRUN_ERROR_HOST_KEY_UNKNOWN},
    {"Permission denied (", HOOKRUN_ERROR_AUTHENTICATION},
    {"Too many authentication failures", HOOKRUN_ERROR_AUTHENTICATION},
    {"Bad configuration option", HOOKRUN_ERROR_INVALID},
    {"ssh: not found", HOOKRUN_ERROR_UNSUPPORTED},
};

HookrunError
hookrun_ssh_program_code_of_text (const char *text)
{
  for (gsize i = 0; i < G_N_ELEMENTS (causes); i++)
    if (strstr (text, causes[i].text) != NULL)
      return causes[i].code;
  return HOOKRUN_ERROR_CONNECTION;
}
