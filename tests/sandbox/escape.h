/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attempts to get out of the sandbox. Each is a function that tries one way and says whether it
 * believes to have got through; the test that runs it looks from outside whether that is true.
 */
#pragma once

#include <sys/types.h>

#define SECRET "the-secret-of-the-host"
#define SECRET_VARIABLE "HOOKRUN_TEST_SECRET"
#define LEAKED_FD 77
#define TERMINAL_FD 9

typedef struct {
  const char *outside;  /* secret, file, folder/, program, stream, datagram: not granted */
  const char *inside;   /* granted for everything */
  const char *readable; /* granted for reading: file, owned by the user */
  pid_t victim;         /* a process of the same user */
  int tcp_port;         /* where the test listens */
  int udp_port;
  const char *abstract; /* name of a socket that the test listens on */
} World;

/* 1: got through; 0: contained. What was read is printed for the test to see. */
typedef struct {
  const char *name;
  int (*try) (const World *world);
} Attempt;

extern const Attempt file_attempts[];
extern const Attempt change_attempts[];
extern const Attempt call_attempts[];
extern const Attempt process_attempts[];
extern const Attempt network_attempts[];
/* Of these only what is hidden is safe. */
extern const Attempt hidden_attempts[];

/* Memory that stays until the end of the program. */
const char *join (const char *folder, const char *name);
/* Prints what can be read at @path: 1 if anything. */
int show_file (const char *path);
int show_fd (int fd);
