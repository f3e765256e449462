/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* known_hosts files: any bytes are read without harm, and what is found makes sense. */
#include <stddef.h>
#include <stdint.h>

#include "hookrun-known-hosts-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) found = hookrun_known_hosts_new ();
  g_autoptr (GBytes) key = g_bytes_new (data, size);
  g_autofree char *type = hookrun_known_hosts_key_type (key);
  g_autofree char *name = hookrun_known_hosts_name ("example.org", 2222);

  hookrun_known_hosts_scan ((const char *)data, size, "FILE", name, FALSE, found);
  hookrun_known_hosts_scan ((const char *)data, size, "FILE", "example.org", TRUE, found);
  for (guint i = 0; i < found->len; i++) {
    const HookrunKnownHost *host = found->pdata[i];
    HookrunKnownHostVerdict verdict = hookrun_known_hosts_judge (found, host->key, NULL);

    g_assert_cmpstr (host->type, !=, NULL);
    g_assert_cmpuint (host->line, >, 0);
    if (host->marker == HOOKRUN_KNOWN_HOST_PLAIN)
      g_assert_true (verdict == HOOKRUN_KNOWN_HOST_MATCH ||
                     verdict == HOOKRUN_KNOWN_HOST_IS_REVOKED);
    if (host->marker == HOOKRUN_KNOWN_HOST_REVOKED)
      g_assert_cmpint (verdict, ==, HOOKRUN_KNOWN_HOST_IS_REVOKED);
  }
  return 0;
}
