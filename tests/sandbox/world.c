/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The world outside a sandbox, and the look at what became of it. */
#include "world.h"

#include "escape.h"
#include "hookrun-file-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define USER_ID 54321

static void
put (const char *folder, const char *name, const char *text, mode_t mode)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (chmod (path, mode), ==, 0);
}

static void
copy_program (const char *from, const char *to)
{
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (from, &text, &length, NULL));
  g_assert_true (g_file_set_contents (to, text, (gssize)length, NULL));
  g_assert_cmpint (g_chmod (to, 0755), ==, 0);
}

/* (transfer full): the path of a program of the tests, copied into @folder. An ordinary user cannot
 * reach the build everywhere: HOOKRUN_TEST_PROGRAMS names another place. */
char *
test_copy_program (const char *name, const char *folder)
{
  const char *given = g_getenv ("HOOKRUN_TEST_PROGRAMS");
  g_autofree char *built = g_build_filename (g_getenv ("G_TEST_BUILDDIR"), "sandbox", NULL);
  g_autofree char *from = g_build_filename (given != NULL ? given : built, name, NULL);
  char *to = g_build_filename (folder, name, NULL);

  copy_program (from, to);
  return to;
}

/* ---- listeners ---- */

static int
listen_ip (int type, int *port)
{
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  if (type == SOCK_STREAM)
    g_assert_cmpint (listen (fd, 5), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)&address, &length), ==, 0);
  *port = ntohs (address.sin_port);
  return fd;
}

static int
listen_unix (int type, const char *path, gboolean is_abstract)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket (AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gsize offset = offsetof (struct sockaddr_un, sun_path) + (is_abstract ? 1 : 0);

  g_strlcpy (address.sun_path + (is_abstract ? 1 : 0), path, sizeof address.sun_path - 1);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, (socklen_t)(offset + strlen (path))), ==,
                   0);
  if (type == SOCK_STREAM)
    g_assert_cmpint (listen (fd, 5), ==, 0);
  return fd;
}

static gboolean
was_reached (int fd)
{
  struct pollfd ready = {fd, POLLIN, 0};

  return poll (&ready, 1, 0) > 0;
}

/* ---- making it ---- */

static void
start_victim (TestWorld *self)
{
  const char *const argv[] = {"/bin/sleep", "600", NULL};
  g_auto (GStrv) environment = g_get_environ ();

  environment = g_environ_setenv (environment, SECRET_VARIABLE, SECRET, TRUE);
  g_assert_true (g_spawn_async (NULL, (char **)(gpointer)argv, environment,
                                G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &self->victim, NULL));
}

static void
fill_folders (TestWorld *self)
{
  g_autofree char *inner = g_build_filename (self->outside, "folder", NULL);
  g_autofree char *path = g_build_filename (self->outside, "secret", NULL);
  g_autofree char *stream = g_build_filename (self->outside, "stream", NULL);
  g_autofree char *datagram = g_build_filename (self->outside, "datagram", NULL);
  g_autofree char *foreign = g_build_filename (self->inside, "foreign", NULL);

  put (self->outside, "secret", SECRET "\n", 0644);
  put (self->outside, "file", "as it was\n", 0644);
  put (self->outside, "program", "#!/bin/sh\nexit 0\n", 0755);
  put (self->readable, "file", "as it was\n", 0644);
  put (self->inside, "foreign", SECRET "\n", 0);
  if (geteuid () == 0)
    g_assert_cmpint (chown (foreign, USER_ID, USER_ID), ==, 0);
  g_assert_cmpint (g_mkdir (inner, 0755), ==, 0);
  self->leaked_fd = open (path, O_RDONLY);
  self->stream = listen_unix (SOCK_STREAM, stream, FALSE);
  self->datagram = listen_unix (SOCK_DGRAM, datagram, FALSE);
}

/* Name, mode, owner, size, times, content and attributes of all there is. */
static void
append_picture (GString *picture, const char *path)
{
  struct stat st;
  char names[256];
  g_autoptr (GDir) folder = NULL;
  const char *name;

  g_assert_cmpint (lstat (path, &st), ==, 0);
  g_string_append_printf (picture, "%s %o %u:%u %" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%ld",
                          path, st.st_mode, st.st_uid, st.st_gid, (gint64)st.st_size,
                          (gint64)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  g_string_append_printf (picture, " links %u attributes %d", (guint)st.st_nlink,
                          (int)llistxattr (path, names, sizeof names));
  if (S_ISREG (st.st_mode)) {
    g_autofree char *text = NULL;

    if (g_file_get_contents (path, &text, NULL, NULL))
      g_string_append_printf (picture, " \"%s\"", text);
  }
  g_string_append_c (picture, '\n');
  if (!S_ISDIR (st.st_mode))
    return;
  folder = g_dir_open (path, 0, NULL);
  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);

    append_picture (picture, below);
  }
}

static char *
take_picture (TestWorld *self)
{
  GString *picture = g_string_new (NULL);
  struct stat st;

  append_picture (picture, self->outside);
  append_picture (picture, self->readable);
  g_assert_cmpint (stat (self->folder, &st), ==, 0);
  g_string_append_printf (picture, "%o\n", st.st_mode);
  return g_string_free (picture, FALSE);
}

TestWorld *
test_world_new (void)
{
  TestWorld *self = g_new0 (TestWorld, 1);

  self->folder = g_dir_make_tmp ("hookrun-escape-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  g_assert_cmpint (g_chmod (self->folder, 0755), ==, 0);
  self->outside = g_build_filename (self->folder, "outside", NULL);
  self->inside = g_build_filename (self->folder, "inside", NULL);
  self->readable = g_build_filename (self->folder, "readable", NULL);
  g_assert_cmpint (g_mkdir (self->outside, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (self->inside, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (self->readable, 0755), ==, 0);
  self->escape = test_copy_program ("escape", self->inside);
  fill_folders (self);
  self->tcp = listen_ip (SOCK_STREAM, &self->tcp_port);
  self->udp = listen_ip (SOCK_DGRAM, &self->udp_port);
  self->abstract_name = g_strdup_printf ("hookrun-escape-%d", (int)getpid ());
  self->abstract = listen_unix (SOCK_STREAM, self->abstract_name, TRUE);
  g_assert_cmpint (openpty (&self->terminal[0], &self->terminal[1], NULL, NULL, NULL), ==, 0);
  g_assert_cmpint (dup2 (self->leaked_fd, LEAKED_FD), ==, LEAKED_FD);
  g_setenv (SECRET_VARIABLE, SECRET, TRUE);
  start_victim (self);
  self->picture = take_picture (self);
  return self;
}

void
test_world_free (TestWorld *self)
{
  const int fds[] = {self->tcp,         self->udp,         self->stream,
                     self->datagram,    self->abstract,    self->leaked_fd,
                     self->terminal[0], self->terminal[1], LEAKED_FD};

  kill (self->victim, SIGKILL);
  waitpid (self->victim, NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, self->folder, NULL));
  g_free (self->folder);
  g_free (self->outside);
  g_free (self->inside);
  g_free (self->readable);
  g_free (self->escape);
  g_free (self->abstract_name);
  g_free (self->picture);
  g_free (self);
}

HookrunPolicy *
test_world_policy (TestWorld *self)
{
  HookrunPolicy *policy = hookrun_policy_new_base ();

  g_assert_true (hookrun_policy_grant (policy, self->inside, HOOKRUN_ACCESS_ALL, NULL));
  g_assert_true (hookrun_policy_grant (policy, self->readable, HOOKRUN_ACCESS_READ, NULL));
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_WALL, 60 * 1000);
  return policy;
}

/* ---- looking ---- */

static void
look_at_victim (TestWorld *self, GString *damage)
{
  struct rlimit limit;
  cpu_set_t one;
  cpu_set_t other;

  if (waitpid (self->victim, NULL, WNOHANG) != 0) {
    g_string_append (damage, "the victim is dead; ");
    start_victim (self);
    return;
  }
  prlimit (self->victim, RLIMIT_NOFILE, NULL, &limit);
  sched_getaffinity (0, sizeof one, &one);
  sched_getaffinity (self->victim, sizeof other, &other);
  if (getpriority (PRIO_PROCESS, (id_t)self->victim) != getpriority (PRIO_PROCESS, 0) ||
      limit.rlim_cur == 10 || !CPU_EQUAL (&one, &other) ||
      sched_getscheduler (self->victim) != SCHED_OTHER)
    g_string_append (damage, "the victim was slowed or limited; ");
}

static void
look_at_modes (const char *path, GString *damage)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);
    struct stat st;

    if (lstat (below, &st) < 0)
      continue;
    if (S_ISREG (st.st_mode) && (st.st_mode & 06000) != 0)
      g_string_append_printf (damage, "%s has set-id bits; ", name);
    if (S_ISBLK (st.st_mode) || S_ISCHR (st.st_mode) || S_ISSOCK (st.st_mode))
      g_string_append_printf (damage, "%s is a device or socket; ", name);
  }
}

/* Whatever still runs the program of attempts, in whatever group, is killed and counted. */
static guint
kill_what_is_left (TestWorld *self)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *name;
  guint count = 0;

  while ((name = g_dir_read_name (proc)) != NULL) {
    g_autofree char *link = g_strdup_printf ("/proc/%s/exe", name);
    g_autofree char *program = g_file_read_link (link, NULL);

    if (program == NULL || !g_str_has_prefix (program, self->folder))
      continue;
    kill ((pid_t)g_ascii_strtoll (name, NULL, 10), SIGKILL);
    count++;
  }
  return count;
}

static char *
look (TestWorld *self, const char *output)
{
  g_autoptr (GString) damage = g_string_new (NULL);
  g_autofree char *picture = take_picture (self);

  if (strcmp (picture, self->picture) != 0) {
    g_string_append_printf (damage, "files changed:\n%s; ", picture);
    g_free (self->picture);
    self->picture = g_steal_pointer (&picture);
  }
  if (strstr (output, SECRET) != NULL)
    g_string_append (damage, "the secret was read; ");
  if (was_reached (self->tcp) || was_reached (self->udp) || was_reached (self->stream) ||
      was_reached (self->datagram) || was_reached (self->abstract))
    g_string_append (damage, "a listener was reached; ");
  if (was_reached (self->terminal[0]))
    g_string_append (damage, "the terminal got input; ");
  if (kill_what_is_left (self) > 0)
    g_string_append (damage, "processes are left; ");
  look_at_victim (self, damage);
  look_at_modes (self->inside, damage);
  return damage->len > 0 ? g_strdup (damage->str) : NULL;
}

/* What attempts made, so that the next one starts afresh. */
static void
clean_inside (TestWorld *self)
{
  g_autoptr (GDir) folder = g_dir_open (self->inside, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *path = g_build_filename (self->inside, name, NULL);

    if (strcmp (name, "escape") != 0 && strcmp (name, "foreign") != 0)
      hookrun_file_remove_tree_at (AT_FDCWD, path, NULL);
  }
}

TestTry *
test_world_try (TestWorld *self, HookrunSandbox *sandbox, const char *name)
{
  TestTry *result = g_new0 (TestTry, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *victim = g_strdup_printf ("%d", (int)self->victim);
  g_autofree char *tcp = g_strdup_printf ("%d", self->tcp_port);
  g_autofree char *udp = g_strdup_printf ("%d", self->udp_port);
  const char *const argv[] = {self->escape,        name,   self->outside, self->inside,
                              self->readable,      victim, tcp,           udp,
                              self->abstract_name, NULL};
  g_autoptr (HookrunLaunch) launch = hookrun_launch_new (argv);
  g_autoptr (HookrunConfined) confined = NULL;
  FILE *output = tmpfile ();
  char text[65536];
  gsize length;

  hookrun_launch_pass_fd (launch, fileno (output), 1);
  hookrun_launch_pass_fd (launch, fileno (output), 2);
  hookrun_launch_pass_fd (launch, self->terminal[1], TERMINAL_FD);
  hookrun_launch_set_folder (launch, self->inside);
  if (self->observes)
    hookrun_launch_observe (launch, NULL);
  confined = hookrun_sandbox_spawn (sandbox, launch, &error);
  g_assert_no_error (error);
  result->outcome = hookrun_confined_wait (confined, NULL, &error);
  g_assert_no_error (error);
  rewind (output);
  length = fread (text, 1, sizeof text - 1, output);
  text[length] = '\0';
  fclose (output);
  result->output = g_memdup2 (text, length + 1);
  result->says_escaped = strstr (text, "\nescaped\n") != NULL;
  result->damage = look (self, text);
  clean_inside (self);
  return result;
}

void
test_try_free (TestTry *self)
{
  g_free (self->output);
  g_free (self->damage);
  hookrun_outcome_free (self->outcome);
  g_free (self);
}

/* An attempt that was killed for its call did not get through either. */
gboolean
test_try_is_contained (const TestTry *self)
{
  return !self->says_escaped && self->damage == NULL &&
         (strstr (self->output, "contained") != NULL || self->outcome->term_signal == SIGSYS);
}

/* ---- as an ordinary user ---- */

/* The programs go where that user can reach them, wherever the build lies. */
int
test_as_user (int argc, char **argv)
{
  g_autofree char *folder = NULL;
  g_autofree char *own = NULL;
  int status;
  pid_t pid;

  if (argc < 2 || strcmp (argv[1], "--user") != 0 || geteuid () != 0)
    return -1;
  folder = g_dir_make_tmp ("hookrun-user-XXXXXX", NULL);
  own = g_build_filename (folder, "test", NULL);
  g_assert_cmpint (g_chmod (folder, 0755), ==, 0);
  copy_program ("/proc/self/exe", own);
  g_free (test_copy_program ("escape", folder));
  g_free (test_copy_program ("misbehave", folder));
  g_setenv ("HOOKRUN_TEST_PROGRAMS", folder, TRUE);
  pid = fork ();
  if (pid == 0) {
    if (setgroups (0, NULL) == 0 && setgid (USER_ID) == 0 && setuid (USER_ID) == 0)
      execl (own, own, argc > 2 ? argv[2] : NULL, NULL);
    _exit (125);
  }
  waitpid (pid, &status, 0);
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL));
  return WIFEXITED (status) ? WEXITSTATUS (status) : 1;
}

void
test_drop_user_argument (int *argc, char **argv)
{
  if (*argc >= 2 && strcmp (argv[1], "--user") == 0) {
    for (int i = 1; i < *argc; i++)
      argv[i] = i + 1 < *argc ? argv[i + 1] : NULL;
    (*argc)--;
  }
}
