/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs /usr/sbin/sshd in the foreground on a port that was free a moment ago, and tries another
 * port if someone else was faster. The server dies with the test, however that ends.
 */
#include "sshd-fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-file-private.h"

#define SSHD "/usr/sbin/sshd"

static void
run (const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  int status = 0;

  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                NULL, NULL, &text, &status, &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, &error))
    g_error ("%s: %s: %s", argv[0], error->message, text);
}

static struct sockaddr_in
loopback (guint port)
{
  struct sockaddr_in address = {.sin_family = AF_INET};

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  address.sin_port = htons ((guint16)port);
  return address;
}

static guint
free_port (void)
{
  struct sockaddr_in address = loopback (0);
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, length), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)&address, &length), ==, 0);
  close (fd);
  return ntohs (address.sin_port);
}

static gboolean
answers (guint port)
{
  struct sockaddr_in address = loopback (port);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char banner[4] = "";
  gboolean good = connect (fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                  recv (fd, banner, sizeof banner, MSG_WAITALL) == 4 &&
                  memcmp (banner, "SSH-", 4) == 0;

  close (fd);
  return good;
}

static void
die_with_the_test (gpointer unused)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* Whether the server came up; if not, it has ended: the port was taken. */
static gboolean
try_start (SshdFixture *self)
{
  g_autofree char *port = g_strdup_printf ("Port=%u", self->port);
  g_autofree char *log = g_build_filename (self->folder, "sshd.log", NULL);
  const char *argv[] = {SSHD, "-D", "-E", log, "-f", self->config, "-o", port, NULL};
  g_autoptr (GError) error = NULL;

  g_spawn_async (NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, die_with_the_test, NULL,
                 &self->pid, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 1000; i++) {
    if (answers (self->port))
      return TRUE;
    if (waitpid (self->pid, NULL, WNOHANG) == self->pid)
      break;
    g_usleep (10000);
  }
  self->pid = 0;
  return FALSE;
}

void
sshd_fixture_start (SshdFixture *self)
{
  g_assert_true (try_start (self));
}

static void
write_server_config (SshdFixture *self, const char *lines)
{
  g_autofree char *keys = g_build_filename (self->folder, "authorized_keys", NULL);
  g_autofree char *text = g_strdup_printf ("%s\n"
                                           "SetEnv HOME=%s\n"
                                           "ListenAddress 127.0.0.1\n"
                                           "HostKey %s\n"
                                           "AuthorizedKeysFile %s\n"
                                           "PidFile none\n"
                                           "StrictModes no\n"
                                           "UsePAM no\n"
                                           "UseDNS no\n"
                                           "PermitRootLogin yes\n"
                                           "PasswordAuthentication no\n"
                                           "KbdInteractiveAuthentication no\n"
                                           "MaxStartups 100\n"
                                           "MaxSessions 100\n"
                                           "PrintMotd no\n",
                                           lines ? lines : "", self->home, self->host_key, keys);

  self->config = g_build_filename (self->folder, "sshd_config", NULL);
  g_assert_true (g_file_set_contents (self->config, text, -1, NULL));
}

static void
write_known_hosts (SshdFixture *self)
{
  g_autofree char *public_name = g_strconcat (self->host_key, ".pub", NULL);
  g_autofree char *public_key = NULL;
  g_autofree char *line = NULL;

  g_assert_true (g_file_get_contents (public_name, &public_key, NULL, NULL));
  line = g_strdup_printf ("[127.0.0.1]:%u %s", self->port, public_key);
  g_assert_true (g_file_set_contents (self->known_hosts, line, -1, NULL));
}

SshdFixture *
sshd_fixture_new_with_host_key (const char *type, const char *server_lines)
{
  SshdFixture *self = g_new0 (SshdFixture, 1);

  self->folder = g_dir_make_tmp ("hookrun-sshd-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  self->user = g_strdup (g_get_user_name ());
  self->home = g_build_filename (self->folder, "home", NULL);
  g_assert_cmpint (g_mkdir (self->home, 0700), ==, 0);
  self->known_hosts = g_build_filename (self->folder, "known_hosts", NULL);
  self->host_key = sshd_fixture_make_key (self, "host_key", type, NULL, FALSE);
  self->user_key = sshd_fixture_make_key (self, "user_key", "ed25519", NULL, TRUE);
  write_server_config (self, server_lines);
  if (getuid () == 0)
    g_mkdir_with_parents ("/run/sshd", 0755);
  for (guint i = 0; i < 10 && self->pid == 0; i++) {
    self->port = free_port ();
    try_start (self);
  }
  g_assert_cmpint (self->pid, !=, 0);
  write_known_hosts (self);
  return self;
}

SshdFixture *
sshd_fixture_new (const char *server_lines)
{
  return sshd_fixture_new_with_host_key ("ed25519", server_lines);
}

static pid_t
parent_of (pid_t pid)
{
  g_autofree char *name = g_strdup_printf ("/proc/%d/stat", (int)pid);
  g_autofree char *text = NULL;
  const char *end;
  int parent = 0;

  if (!g_file_get_contents (name, &text, NULL, NULL))
    return 0;
  end = strrchr (text, ')');
  if (end == NULL || sscanf (end + 1, " %*c %d", &parent) != 1)
    return 0;
  return parent;
}

static gboolean
descends_from (pid_t pid, pid_t ancestor)
{
  for (guint depth = 0; pid > 1 && depth < 64; depth++) {
    pid = parent_of (pid);
    if (pid == ancestor)
      return TRUE;
  }
  return FALSE;
}

guint
sshd_fixture_signal (SshdFixture *self, int signal_number, gboolean listener)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  g_autoptr (GArray) pids = g_array_new (FALSE, FALSE, sizeof (pid_t));
  const char *name;

  if (self->pid == 0)
    return 0;
  while ((name = g_dir_read_name (dir)) != NULL) {
    pid_t pid = (pid_t)g_ascii_strtoll (name, NULL, 10);

    if (pid > 0 && descends_from (pid, self->pid))
      g_array_append_val (pids, pid);
  }
  if (listener)
    g_array_append_val (pids, self->pid);
  for (guint i = 0; i < pids->len; i++)
    kill (g_array_index (pids, pid_t, i), signal_number);
  return pids->len;
}

void
sshd_fixture_stop (SshdFixture *self)
{
  if (self->pid == 0)
    return;
  sshd_fixture_signal (self, SIGKILL, TRUE);
  waitpid (self->pid, NULL, 0);
  self->pid = 0;
}

void
sshd_fixture_free (SshdFixture *self)
{
  sshd_fixture_stop (self);
  g_unsetenv ("HOOKRUN_SSH_CONFIG");
  hookrun_file_remove_tree_at (AT_FDCWD, self->folder, NULL);
  g_free (self->folder);
  g_free (self->home);
  g_free (self->user);
  g_free (self->user_key);
  g_free (self->host_key);
  g_free (self->known_hosts);
  g_free (self->config);
  g_free (self);
}

char *
sshd_fixture_spec (SshdFixture *self)
{
  return g_strdup_printf ("%s@127.0.0.1:%u", self->user, self->port);
}

char *
sshd_fixture_stanza (SshdFixture *self, const char *alias, const char *client_lines)
{
  return g_strdup_printf ("Host %s\n"
                          "%s\n"
                          "HostName 127.0.0.1\n"
                          "Port %u\n"
                          "User %s\n"
                          "IdentityFile %s\n"
                          "IdentitiesOnly yes\n"
                          "IdentityAgent none\n"
                          "UserKnownHostsFile %s\n"
                          "GlobalKnownHostsFile /dev/null\n"
                          "StrictHostKeyChecking yes\n"
                          "UpdateHostKeys no\n"
                          "BatchMode yes\n\n",
                          alias, client_lines ? client_lines : "", self->port, self->user,
                          self->user_key, self->known_hosts);
}

void
sshd_fixture_use_config (SshdFixture *self, const char *text)
{
  g_autofree char *name = g_build_filename (self->folder, "client_config", NULL);

  g_assert_true (g_file_set_contents (name, text, -1, NULL));
  g_setenv ("HOOKRUN_SSH_CONFIG", name, TRUE);
}

void
sshd_fixture_use (SshdFixture *self, const char *client_lines)
{
  g_autofree char *text = sshd_fixture_stanza (self, "*", client_lines);

  sshd_fixture_use_config (self, text);
}

char *
sshd_fixture_make_key (SshdFixture *self, const char *name, const char *type,
                       const char *passphrase, gboolean authorize)
{
  char *path = g_build_filename (self->folder, name, NULL);
  g_autofree char *public_name = g_strconcat (path, ".pub", NULL);
  g_autofree char *keys_name = g_build_filename (self->folder, "authorized_keys", NULL);
  g_autofree char *public_key = NULL;
  const char *argv[] = {"ssh-keygen", "-q", "-t", type, "-N", passphrase ? passphrase : "",
                        "-C",         name, "-f", path, NULL};

  run (argv);
  if (authorize) {
    g_autofree char *old = NULL;
    g_autofree char *text = NULL;

    g_assert_true (g_file_get_contents (public_name, &public_key, NULL, NULL));
    g_file_get_contents (keys_name, &old, NULL, NULL);
    text = g_strconcat (old ? old : "", public_key, NULL);
    g_assert_true (g_file_set_contents (keys_name, text, -1, NULL));
  }
  return path;
}
