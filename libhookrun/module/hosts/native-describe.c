/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Describes many modules in C, two at a time: each in a process of its own that is forked from this
 * small one, confined, and only then opens the module. What it says lies in memory that it shares
 * with its parent alone, so a crash leaves the stage where it happened.
 */
#include "native-host-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_NAMES_SIZE (4 * 1024 * 1024)
#define N_SLOTS 2
#define DEADLINE_MS 1000

/* What parent and child share. The child may write anything into it at any time. */
typedef struct {
  volatile char stage;
  volatile char is_fault; /* @text says why there is no description */
  volatile guint32 length;
  char text[256 * 1024];
} Shared;

typedef struct {
  pid_t pid; /* 0: free */
  unsigned index;
  long long deadline_ms;
  int is_late;
  Shared *shared;
} Slot;

static Slot slots[N_SLOTS];

static long long
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- in the child ---- */

static void
describe_operation (Buffer *out, const HookrunNativeOperation *operation)
{
  buffer_add (out, "{\"name\":");
  buffer_add_json (out, operation->name);
  buffer_add (out, ",\"description\":");
  buffer_add_json (out, operation->description);
  buffer_add (out, operation->takes_words != 0 ? ",\"words\":true,\"options\":["
                                               : ",\"words\":false,\"options\":[");
  for (guint32 i = 0; i < operation->n_options && !out->is_full; i++) {
    buffer_add (out, i > 0 ? ",{\"name\":" : "{\"name\":");
    buffer_add_json (out, operation->options[i].name);
    buffer_add (out, ",\"description\":");
    buffer_add_json (out, operation->options[i].description);
    buffer_add (out, "}");
  }
  buffer_add (out, "]}");
}

static void
describe_module (Buffer *out, const HookrunNativeModule *module)
{
  buffer_add (out, "{\"version\":");
  buffer_add_json (out, module->version);
  buffer_add (out, ",\"description\":");
  buffer_add_json (out, module->description);
  buffer_add (out, ",\"operations\":[");
  for (guint32 i = 0; i < module->n_operations && !out->is_full; i++) {
    buffer_add (out, i > 0 ? "," : "");
    describe_operation (out, module_operation (module, i));
  }
  buffer_add (out, "]}");
}

/* Nothing of the parent is left to it: no stream, no memory of the other child. */
static void
leave_parent (const Slot *own)
{
  for (size_t i = 0; i < N_SLOTS; i++)
    if (&slots[i] != own)
      munmap (slots[i].shared, sizeof (Shared));
  close (STDIN_FILENO);
  close (STDOUT_FILENO);
  close (STDERR_FILENO);
}

static void
describe_in_child (const Slot *slot, const char *file)
{
  Shared *shared = slot->shared;
  Buffer out = {.text = shared->text, .size = sizeof shared->text};
  const HookrunNativeModule *module;
  int problem;

  leave_parent (slot);
  problem = confine_for_description ();
  if (problem != 0) {
    buffer_add (&out, "it cannot be confined: ");
    buffer_add (&out, strerror (problem));
    module = NULL;
  } else {
    module = module_open (file, &shared->stage, &out);
  }
  shared->is_fault = module == NULL;
  if (module != NULL) {
    shared->stage = STAGE_DESCRIBING;
    describe_module (&out, module);
  }
  if (out.is_full) {
    shared->is_fault = 1;
    out.length = 0;
    out.is_full = 0;
    buffer_add (&out, "its description is too long");
  }
  shared->length = (guint32)out.length;
  /* Destructors of the module do not run. */
  _exit (0);
}

/* ---- in the parent ---- */

static int
start (Slot *slot, unsigned index, const char *file)
{
  slot->shared->stage = STAGE_NONE;
  slot->shared->is_fault = 0;
  slot->shared->length = 0;
  slot->index = index;
  slot->is_late = 0;
  slot->deadline_ms = now_ms () + DEADLINE_MS;
  slot->pid = fork ();
  if (slot->pid == 0)
    describe_in_child (slot, file);
  return slot->pid > 0 ? 0 : -1;
}

/* A frame: "INDEX HOW NUMBER STAGE LENGTH\n", then as many bytes. HOW is "ok", "fault" with text;
 * "signal" and "exit" with their number; "late". */
static void
report (const Slot *slot, int status)
{
  const Shared *shared = slot->shared;
  guint32 length = shared->length;
  const char *how = shared->is_fault ? "fault" : "ok";
  int number = 0;

  if (slot->is_late) {
    how = "late";
  } else if (WIFSIGNALED (status)) {
    how = "signal";
    number = WTERMSIG (status);
  } else if (WEXITSTATUS (status) != 0 || length == 0) {
    how = "exit";
    number = WEXITSTATUS (status);
  }
  if (how[0] != 'o' && how[0] != 'f')
    length = 0;
  if (length > sizeof shared->text)
    length = sizeof shared->text;
  printf ("%u %s %d %c %u\n", slot->index, how, number,
          shared->stage >= 'a' && shared->stage <= 'z' ? shared->stage : STAGE_NONE, length);
  fwrite (shared->text, 1, length, stdout);
}

static int
reap (int flags)
{
  int status;
  pid_t pid = waitpid (-1, &status, flags);

  for (size_t i = 0; pid > 0 && i < N_SLOTS; i++)
    if (slots[i].pid == pid) {
      report (&slots[i], status);
      slots[i].pid = 0;
    }
  return pid > 0;
}

static void
kill_late (void)
{
  for (size_t i = 0; i < N_SLOTS; i++)
    if (slots[i].pid > 0 && !slots[i].is_late && now_ms () >= slots[i].deadline_ms) {
      slots[i].is_late = 1;
      kill (slots[i].pid, SIGKILL);
    }
}

/* Waits for one child to end, or for a deadline. */
static void
wait_for_one (const sigset_t *children)
{
  const struct timespec patience = {.tv_nsec = 50 * 1000 * 1000};

  if (reap (WNOHANG))
    return;
  sigtimedwait (children, NULL, &patience);
  kill_late ();
  reap (WNOHANG);
}

static Slot *
find_free_slot (void)
{
  for (size_t i = 0; i < N_SLOTS; i++)
    if (slots[i].pid == 0)
      return &slots[i];
  return NULL;
}

static int
is_any_busy (void)
{
  for (size_t i = 0; i < N_SLOTS; i++)
    if (slots[i].pid != 0)
      return 1;
  return 0;
}

/* All of standard input with a NUL behind it; NULL when it is too long. */
static char *
read_input (size_t *length)
{
  char *text = malloc (MAX_NAMES_SIZE + 1);
  ssize_t n;

  *length = 0;
  while (text != NULL && *length < MAX_NAMES_SIZE &&
         (n = read (STDIN_FILENO, text + *length, MAX_NAMES_SIZE - *length)) != 0) {
    if (n < 0 && errno != EINTR)
      return NULL;
    *length += n > 0 ? (size_t)n : 0;
  }
  if (text == NULL || *length >= MAX_NAMES_SIZE)
    return NULL;
  text[*length] = '\0';
  return text;
}

static int
prepare (sigset_t *children, const char *files, size_t length)
{
  errno = confine_files (files, length);
  if (errno != 0)
    return -1;
  sigemptyset (children);
  sigaddset (children, SIGCHLD);
  sigprocmask (SIG_BLOCK, children, NULL);
  for (size_t i = 0; i < N_SLOTS; i++) {
    slots[i].shared =
        mmap (NULL, sizeof (Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (slots[i].shared == MAP_FAILED)
      return -1;
  }
  return 0;
}

int
describe_all (void)
{
  size_t length;
  const char *text = read_input (&length);
  sigset_t children;
  unsigned index = 0;

  if (text == NULL || prepare (&children, text, length) < 0) {
    fprintf (stderr, "cannot prepare: %s\n", strerror (errno));
    return 1;
  }
  for (const char *file = text; file < text + length; file += strlen (file) + 1, index++) {
    Slot *slot;

    /* Nothing unwritten may be in the child's memory. */
    fflush (stdout);
    while ((slot = find_free_slot ()) == NULL)
      wait_for_one (&children);
    fflush (stdout);
    if (start (slot, index, file) < 0) {
      fprintf (stderr, "cannot fork: %s\n", strerror (errno));
      return 1;
    }
  }
  while (is_any_busy ())
    wait_for_one (&children);
  return fflush (stdout) == 0 ? 0 : 1;
}
