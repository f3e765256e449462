/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the kernel does not let us use membarrier(2), from the start or from some moment on, the
 * same promises hold; and a child of fork is not held up by threads that it does not have.
 */
#include "arena.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* From now on membarrier fails in this thread and those that it makes. */
static void
deny_membarrier (void)
{
  struct sock_filter rules[] = {
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {G_N_ELEMENTS (rules), rules};

  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), ==, 0);
  g_assert_cmpint (syscall (SYS_membarrier, 0, 0, 0), ==, -1);
}

static void
run_denied (gboolean emits_before)
{
  static const GThreadFunc parts[N_THREADS] = {emitter, emitter, connecter, closer};
  Fixture fixture;
  Arena arena = {.alive = 0};

  fixture_set_up (&fixture, NULL);
  arena.signal = fixture.signal;
  if (emits_before) {
    connect_token (&arena, fixture.scope, NULL, NULL);
    hookrun_signal_emit (fixture.signal, NULL, NULL);
    hookrun_scope_close (fixture.scope);
  }
  deny_membarrier ();
  run_threads (&arena, parts);
  fixture_tear_down (&fixture, NULL);
}

static void
test_never_there (void)
{
  if (g_test_subprocess ()) {
    run_denied (FALSE);
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
test_denied_later (void)
{
  if (g_test_subprocess ()) {
    run_denied (TRUE);
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

/* ---- fork ---- */

typedef struct {
  HookrunSignal *signal;
  int entered; /* atomic */
  int leave;   /* atomic */
} Stay;

static HookrunVerdict
stay (HookrunEvent *event, gpointer user_data)
{
  Stay *self = user_data;

  __atomic_store_n (&self->entered, 1, __ATOMIC_RELEASE);
  while (!__atomic_load_n (&self->leave, __ATOMIC_ACQUIRE))
    g_usleep (100);
  return HOOKRUN_CONTINUE;
}

static gpointer
emit_and_stay (gpointer data)
{
  hookrun_signal_emit (((Stay *)data)->signal, NULL, NULL);
  return NULL;
}

/* The handler runs in a thread that the child does not have: there closing returns at once. */
static void
test_fork_inside_an_emission (Fixture *fixture, gconstpointer unused)
{
  Stay self = {.signal = fixture->signal};
  GThread *thread;
  int status = -1;
  pid_t child;

  hookrun_signal_connect (fixture->signal, fixture->scope, "stay", NULL, stay, &self, NULL, NULL);
  thread = g_thread_new ("stay", emit_and_stay, &self);
  while (!__atomic_load_n (&self.entered, __ATOMIC_ACQUIRE))
    g_usleep (100);
  child = fork ();
  if (child == 0) {
    alarm (20);
    hookrun_scope_close (fixture->scope);
    _exit (hookrun_signal_emit (fixture->signal, NULL, NULL) == HOOKRUN_CONTINUE ? 0 : 1);
  }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  __atomic_store_n (&self.leave, 1, __ATOMIC_RELEASE);
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signal/fences/never-there", test_never_there);
  g_test_add_func ("/signal/fences/denied-later", test_denied_later);
  /* valgrind counts what the other thread holds as lost in the child, which does not have it. */
  if (g_strcmp0 (g_getenv ("HOOKRUN_SANITIZED"), "valgrind") != 0)
    fixture_add ("/signal/fences/fork-inside-an-emission", test_fork_inside_an_emission);
  return g_test_run ();
}
