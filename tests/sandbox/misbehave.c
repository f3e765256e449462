/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that does one bad thing: loops, forks without end, eats memory, fills the disk, ignores
 * signals, leaves others behind. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEGABYTE (1 << 20)

/* The compiler must not find out that nobody reads it. */
static void
occupy (char *memory, size_t size)
{
  memset (memory, 1, size);
  __asm__ volatile("" : : "r"(memory) : "memory");
}

static void
loop (void)
{
  for (volatile unsigned i = 0;; i++)
    continue;
}

static void
loop_in_children (void)
{
  for (int i = 0; i < 3; i++)
    if (fork () == 0)
      loop ();
  for (;;)
    pause ();
}

static void
fork_without_end (void)
{
  for (;;)
    fork ();
}

/* Each process that was ever born leaves a byte, and none ends by itself. */
static void
fork_counted (void)
{
  int fd = open ("count", O_CREAT | O_WRONLY | O_APPEND, 0600);

  if (write (fd, "x", 1) < 0)
    _exit (9);
  for (;;)
    if (fork () == 0 && write (fd, "x", 1) < 0)
      _exit (9);
}

static void
do_nothing (int number)
{
}

/* No call may fail for a signal whose handler does not ask for it to go on. */
static void
work_among_alarms (void)
{
  const struct itimerval often = {{0, 500}, {0, 500}};
  struct sigaction action;

  memset (&action, 0, sizeof action);
  action.sa_handler = do_nothing;
  sigaction (SIGALRM, &action, NULL);
  setitimer (ITIMER_REAL, &often, NULL);
  for (int i = 0; i < 300; i++) {
    pid_t child = fork ();

    if (child == 0)
      _exit (0);
    if (child < 0)
      _exit (9);
    while (waitpid (child, NULL, 0) < 0)
      continue;
  }
  _exit (0);
}

static void
burn (clock_t ticks)
{
  while (clock () < ticks)
    continue;
}

/* Nobody waits for those who burn the time, and each is gone soon. */
static void
loop_in_orphans (void)
{
  for (int i = 0; i < 200; i++) {
    pid_t child = fork ();

    if (child == 0) {
      if (fork () == 0)
        burn (CLOCKS_PER_SEC / 100);
      _exit (0);
    }
    waitpid (child, NULL, 0);
    usleep (10000);
  }
  _exit (0);
}

static void *
wait_for_nothing (void *data)
{
  pause ();
  return NULL;
}

static void
start_threads (void)
{
  pthread_t thread;

  for (int i = 0; i < 40; i++)
    pthread_create (&thread, NULL, wait_for_nothing, NULL);
  pause ();
}

static void
eat_memory (void)
{
  for (int i = 0; i < 1024; i++) {
    char *memory = malloc (MEGABYTE);

    if (memory == NULL)
      _exit (9);
    occupy (memory, MEGABYTE);
  }
}

static void
eat_memory_at_once (void)
{
  char *memory = malloc (512 * MEGABYTE);

  if (memory == NULL)
    _exit (9);
  occupy (memory, 512 * MEGABYTE);
}

static void
eat_part (void)
{
  char *memory = malloc (20 * MEGABYTE);

  occupy (memory, 20 * MEGABYTE);
  pause ();
}

static void
eat_memory_in_children (void)
{
  for (int i = 0; i < 8; i++)
    if (fork () == 0)
      eat_part ();
  for (;;)
    pause ();
}

/* Pages that all children share count once. */
static void
share_memory (void)
{
  char *memory = malloc (30 * MEGABYTE);

  occupy (memory, 30 * MEGABYTE);
  for (int i = 0; i < 8; i++)
    if (fork () == 0) {
      sleep (1);
      _exit (0);
    }
  while (wait (NULL) > 0)
    continue;
  _exit (0);
}

static void
fill (int fd, int megabytes)
{
  static char data[MEGABYTE];

  memset (data, 'x', sizeof data);
  for (int i = 0; i < megabytes; i++)
    if (write (fd, data, sizeof data) < 0)
      _exit (9);
}

static void
fill_file (void)
{
  fill (open ("large", O_CREAT | O_WRONLY, 0600), 64);
}

static void
fill_disk (void)
{
  char name[32];

  for (int i = 0; i < 64; i++) {
    snprintf (name, sizeof name, "file-%d", i);
    fill (open (name, O_CREAT | O_WRONLY, 0600), 1);
    usleep (5000);
  }
  pause ();
}

/* The files have no name any more, but take their space. */
static void
fill_disk_unseen (void)
{
  for (int i = 0; i < 32; i++) {
    int fd = open ("unseen", O_CREAT | O_WRONLY, 0600);

    unlink ("unseen");
    fill (fd, 1);
  }
  pause ();
}

static void
fill_deep (void)
{
  for (int i = 0; i < 400; i++)
    if (mkdir ("d", 0700) < 0 || chdir ("d") < 0)
      _exit (9);
  fill (open ("file", O_CREAT | O_WRONLY, 0600), 20);
  pause ();
}

static void
open_many (void)
{
  int count = 0;

  while (open ("/dev/null", O_RDONLY) >= 0)
    count++;
  _exit (count > 20 && count < 40 ? 0 : 1);
}

static void
ignore_signals (void)
{
  for (int i = 1; i < 32; i++)
    signal (i, SIG_IGN);
  for (;;)
    pause ();
}

static void
end_politely (void)
{
  sigset_t set;
  int number;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigprocmask (SIG_BLOCK, &set, NULL);
  sigwait (&set, &number);
  _exit (3);
}

static void
leave_children (void)
{
  for (int i = 0; i < 3; i++)
    if (fork () == 0) {
      signal (SIGTERM, SIG_IGN);
      signal (SIGHUP, SIG_IGN);
      sleep (600);
    }
  _exit (0);
}

/* A real one: what it sends itself does not reach the first process of a namespace. */
static void
crash (void)
{
  volatile char *volatile nowhere = NULL;

  *nowhere = 1;
}

static const struct {
  const char *name;
  void (*run) (void);
} ways[] = {
    {"loop", loop},
    {"loop-in-children", loop_in_children},
    {"fork", fork_without_end},
    {"fork-counted", fork_counted},
    {"work-among-alarms", work_among_alarms},
    {"loop-in-orphans", loop_in_orphans},
    {"threads", start_threads},
    {"memory", eat_memory},
    {"memory-at-once", eat_memory_at_once},
    {"memory-in-children", eat_memory_in_children},
    {"memory-shared", share_memory},
    {"file", fill_file},
    {"disk", fill_disk},
    {"disk-unseen", fill_disk_unseen},
    {"disk-deep", fill_deep},
    {"descriptors", open_many},
    {"ignore", ignore_signals},
    {"polite", end_politely},
    {"children", leave_children},
    {"crash", crash},
};

int
main (int argc, char **argv)
{
  for (size_t i = 0; argc == 2 && i < sizeof ways / sizeof ways[0]; i++)
    if (strcmp (ways[i].name, argv[1]) == 0)
      ways[i].run ();
  return 2;
}
