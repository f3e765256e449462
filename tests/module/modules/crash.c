/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules in C that misbehave, one for each value of BAD. */
#include <hookrun.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CRASH 1
#define LOOP 2
#define ESCAPE 3
#define NO_TABLE 4
#define OLD_TABLE 5
#define WRONG_POINTER 6
#define RUN_CRASH 7
#define LONG_TEXT 8
#define EAT 9

#define MARK "/tmp/hookrun-module-escaped"

#if BAD == CRASH
__attribute__ ((constructor)) static void
crash (void)
{
  abort ();
}
#endif

#if BAD == LOOP
__attribute__ ((constructor)) static void
loop (void)
{
  for (;;)
    ;
}
#endif

#if BAD == EAT
/* All the memory that it gets, for as long as it gets it. */
__attribute__ ((constructor)) static void
eat (void)
{
  size_t size = 1 << 20;
  char *piece;

  while (size >= 4096) {
    piece = malloc (size);
    if (piece != NULL)
      memset (piece, 1, size);
    else
      size /= 2;
  }
  for (;;)
    ;
}
#endif

#if BAD == ESCAPE
/* Everything that a description must not be able to do; what succeeds leaves a mark or is told in
 * the description. */
static char told[256];

static void
tell (const char *what, int succeeded)
{
  if (succeeded)
    strncat (told, what, sizeof told - strlen (told) - 1);
}

__attribute__ ((constructor)) static void
escape (void)
{
  tell ("write ", open (MARK, O_WRONLY | O_CREAT, 0666) >= 0);
  tell ("passwd ", open ("/etc/passwd", O_RDONLY) >= 0);
  tell ("folder ", open ("/", O_RDONLY | O_DIRECTORY) >= 0);
  tell ("fork ", fork () >= 0);
  tell ("socket ", socket (AF_INET, SOCK_STREAM, 0) >= 0);
  tell ("kill ", kill (getppid (), SIGTERM) == 0);
  tell ("stdout ", write (1, "0 ok 0 d 2\n{}", 13) > 0);
  tell ("stderr ", write (2, "x", 1) > 0);
  tell ("exec ", execl ("/bin/true", "true", (char *)NULL) == 0);
}
#define DESCRIPTION told
#endif

#if BAD == LONG_TEXT
static char much[400000];

__attribute__ ((constructor)) static void
fill (void)
{
  memset (much, 'x', sizeof much - 1);
}
#define DESCRIPTION much
#endif

#ifndef DESCRIPTION
#define DESCRIPTION "A bad module"
#endif

static int
run (const HookrunNativeCall *call)
{
#if BAD == RUN_CRASH
  raise (SIGSEGV);
#endif
  return 0;
}

static const HookrunNativeOperation operations[] = {
#if BAD == WRONG_POINTER
    {(const char *)8, "", NULL, 0, 0, run},
#else
    {"go", "Goes", NULL, 0, 0, run},
#endif
};

#if BAD == OLD_TABLE
extern __attribute__ ((visibility ("default"))) const HookrunNativeModule hookrun_native_module;
const HookrunNativeModule hookrun_native_module = {
    .size = sizeof (HookrunNativeModule), .abi = 999, .operations = operations};
#elif BAD == NO_TABLE
__attribute__ ((visibility ("default"))) const HookrunNativeOperation *hookrun_other = operations;
#else
HOOKRUN_NATIVE_MODULE_DEFINE ("1", DESCRIPTION, operations);
#endif
