/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hookrun-module-native: hosts modules in C (NAME.so) inside the sandbox of hookrun-module:
 *   describe                                        descriptions of the files on standard input
 *   do FILE OPERATION ["=VALUE" or "-"]… -- WORD…   one operation of one module
 */
#include "native-host-private.h"

#include <stdio.h>
#include <string.h>

int
main (int argc, char **argv)
{
  setvbuf (stdout, NULL, argc >= 2 && strcmp (argv[1], "do") == 0 ? _IOLBF : _IOFBF, 65536);
  if (argc == 2 && strcmp (argv[1], "describe") == 0)
    return describe_all ();
  if (argc >= 5 && strcmp (argv[1], "do") == 0)
    return run_operation (argc - 2, argv + 2);
  fprintf (stderr, "hookrun-module-native: started without its host\n");
  return 2;
}
