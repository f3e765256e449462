/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user names, what ssh -G answers, and private key files: the texts that ssh starts from. */
#include <stddef.h>
#include <stdint.h>

#include "hookrun-ssh-config-private.h"
#include "hookrun-ssh-key-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (HookrunSshSpec) host = hookrun_ssh_spec_parse ("user@host:2222", NULL);
  g_autoptr (HookrunSshSpec) spec = hookrun_ssh_spec_parse (text, NULL);
  g_autoptr (HookrunSshConfig) config = hookrun_ssh_config_parse (host, text, NULL);
  g_autoptr (HookrunSshKey) key = hookrun_ssh_key_parse ("/key", text, size);

  if (spec != NULL)
    g_assert_true (spec->host[0] != '-' && spec->host[0] != '\0');
  if (config != NULL)
    g_assert_true (config->host_name != NULL && config->user != NULL && config->port > 0);
  if (key != NULL && key->public != NULL)
    g_assert_nonnull (key->type);
  return 0;
}
