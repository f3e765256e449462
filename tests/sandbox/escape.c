/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one attempt by its name: prints what it found, then "escaped" or "contained". With "list"
 * prints the names.
 */
#include "escape.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const Attempt *const tables[] = {file_attempts,    change_attempts,  call_attempts,
                                        process_attempts, network_attempts, hidden_attempts};

#define N_TABLES (sizeof tables / sizeof tables[0])
#define N_LISTED (N_TABLES - 1)

const char *
join (const char *folder, const char *name)
{
  size_t size = strlen (folder) + strlen (name) + 2;
  char *path = malloc (size);

  snprintf (path, size, "%s/%s", folder, name);
  return path;
}

int
show_fd (int fd)
{
  char text[256];
  ssize_t length;

  if (fd < 0)
    return 0;
  length = pread (fd, text, sizeof text, 0);
  if (length < 0)
    length = read (fd, text, sizeof text);
  if (length <= 0)
    return 0;
  return fwrite (text, 1, (size_t)length, stdout) > 0;
}

int
show_file (const char *path)
{
  return show_fd (open (path, O_RDONLY));
}

int
main (int argc, char **argv)
{
  World world = {0};

  setvbuf (stdout, NULL, _IONBF, 0);
  if (argc == 2 && strcmp (argv[1], "list") == 0) {
    for (size_t i = 0; i < N_LISTED; i++)
      for (const Attempt *attempt = tables[i]; attempt->name != NULL; attempt++)
        puts (attempt->name);
    return 0;
  }
  if (argc != 9)
    return 2;
  world.outside = argv[2];
  world.inside = argv[3];
  world.readable = argv[4];
  world.victim = atoi (argv[5]);
  world.tcp_port = atoi (argv[6]);
  world.udp_port = atoi (argv[7]);
  world.abstract = argv[8];
  for (size_t i = 0; i < N_TABLES; i++)
    for (const Attempt *attempt = tables[i]; attempt->name != NULL; attempt++)
      if (strcmp (attempt->name, argv[1]) == 0) {
        puts (attempt->try (&world) ? "\nescaped" : "\ncontained");
        return 0;
      }
  return 2;
}
