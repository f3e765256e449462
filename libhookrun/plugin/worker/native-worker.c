/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hookrun-native-worker: hosts native plugins that have a policy. The library starts it in a
 * sandbox with the connection as descriptor 3; it is of no use by hand.
 */
#include <hookrun.h>

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#define CONNECTION 3

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  struct stat st;

  if (fstat (CONNECTION, &st) < 0 || !S_ISSOCK (st.st_mode)) {
    fprintf (stderr, "hookrun-native-worker: is started by libhookrun, not by hand\n");
    return 2;
  }
  if (hookrun_worker_serve_native (CONNECTION, &error))
    return 0;
  fprintf (stderr, "hookrun-native-worker: %s\n", error->message);
  return 1;
}
