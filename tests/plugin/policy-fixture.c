/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A place for plugins that try what their policy denies. */
#include "policy-fixture.h"

#include <glib/gstdio.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each word of the trail is something that worked. */
const char policy_attack_shell[] =
    "#!/bin/sh\n"
    "trail=\n"
    "cat @/granted/file >/dev/null 2>&1 && trail=\"$trail granted\"\n"
    "cat @/secret >/dev/null 2>&1 && trail=\"$trail read\"\n"
    "(echo x >@/outside) 2>/dev/null && trail=\"$trail write\"\n"
    "chmod 0700 @/secret 2>/dev/null && trail=\"$trail chmod\"\n"
    "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", #PORT#), 5)' 2>/dev/null "
    "&&"
    " trail=\"$trail connect\"\n"
    "[ -z \"$SSH_AUTH_SOCK\" ] || trail=\"$trail variable\"\n"
    "sleep 300 <&- >/dev/null 2>&1 3>&- & echo $! >@/granted/pid\n"
    "printf '{\"trail\": \"%s\"}' \"$trail\" >&3\n";

const char policy_attack_python[] =
    "import os, socket, subprocess\n"
    "import hookrun_worker as hookrun\n"
    "def connect():\n"
    "    socket.create_connection(('127.0.0.1', #PORT#), 5)\n"
    "def daemon():\n"
    "    child = subprocess.Popen(['sleep', '300'], stdin=subprocess.DEVNULL,\n"
    "        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
    "    open('@/granted/pid', 'w').write('%d\\n' % child.pid)\n"
    "def works(function):\n"
    "    try:\n"
    "        function()\n"
    "        return True\n"
    "    except OSError:\n"
    "        return False\n"
    "TRIES = [('granted', lambda: open('@/granted/file').read()),\n"
    "    ('read', lambda: open('@/secret').read()),\n"
    "    ('write', lambda: open('@/outside', 'w').write('x')),\n"
    "    ('chmod', lambda: os.chmod('@/secret', 0o700)), ('connect', connect)]\n"
    "@hookrun.on('test.run')\n"
    "def run(event):\n"
    "    daemon()\n"
    "    words = [word for word, function in TRIES if works(function)]\n"
    "    words += ['variable'] if 'SSH_AUTH_SOCK' in os.environ else []\n"
    "    event.data['trail'] = ''.join(' ' + word for word in words)\n";

void
policy_fixture_set_up (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture_set_up (&self->plain, NULL);
  self->listener = g_socket_listener_new ();
  self->port = g_socket_listener_add_any_inet_port (self->listener, NULL, &error);
  g_assert_no_error (error);
  fixture_write (&self->plain, "granted/file", "granted\n", 0644);
  fixture_write (&self->plain, "secret", "secret\n", 0600);
}

void
policy_fixture_tear_down (PolicyFixture *self, gconstpointer unused)
{
  g_clear_object (&self->listener);
  fixture_tear_down (&self->plain, NULL);
}

static char *
replace (char *text, const char *part, const char *by)
{
  g_auto (GStrv) parts = g_strsplit (text, part, -1);

  g_free (text);
  return g_strjoinv (by, parts);
}

char *
policy_fixture_fill (PolicyFixture *self, const char *text)
{
  g_autofree char *folder = g_strconcat (self->plain.folder, "/", NULL);
  g_autofree char *port = g_strdup_printf ("%u", self->port);

  return replace (replace (g_strdup (text), "@/", folder), "#PORT#", port);
}

void
policy_fixture_write (PolicyFixture *self, const char *name, const char *text, mode_t mode)
{
  g_autofree char *filled = policy_fixture_fill (self, text);

  fixture_write (&self->plain, name, filled, mode);
}

void
policy_fixture_activate (PolicyFixture *self, const char *text)
{
  g_autofree char *filled = policy_fixture_fill (self, text);
  g_autoptr (GError) error = NULL;

  fixture_add (&self->plain, filled);
  hookrun_engine_activate_plugin (self->plain.engine, "p", "shop", NULL, NULL, &error);
  g_assert_no_error (error);
}

/* ---- the truth ---- */

static int
read_pid (PolicyFixture *self, const char *name)
{
  g_autofree char *path = fixture_path (&self->plain, name);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpint (atoi (text), >, 1);
  return atoi (text);
}

/* Whether a process of that number, or of that group, has not died; who buries it is the system's
 * first process, which may take its time. */
static gboolean
lives (int pid)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *name;
  gboolean found = FALSE;

  while (!found && (name = g_dir_read_name (proc)) != NULL) {
    g_autofree char *path = g_build_filename ("/proc", name, "stat", NULL);
    g_autofree char *text = NULL;
    const char *end;
    int group = 0;
    char state = 'Z';

    if (!g_ascii_isdigit (*name) || !g_file_get_contents (path, &text, NULL, NULL))
      continue;
    end = strrchr (text, ')');
    if (end != NULL && sscanf (end + 1, " %c %*d %d", &state, &group) == 2)
      found = (atoi (name) == pid || group == pid) && state != 'Z' && state != 'X';
  }
  return found;
}

void
policy_fixture_assert_gone (PolicyFixture *self, const char *name)
{
  int pid = read_pid (self, name);

  for (guint i = 0; i < 500 && lives (pid); i++)
    g_usleep (10000);
  g_assert_false (lives (pid));
}

static gboolean
somebody_connected (PolicyFixture *self)
{
  g_autoptr (GCancellable) now = g_cancellable_new ();
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSource) source = NULL;
  gboolean is_there;

  /* Accepting waits; so somebody of our own comes last, and is the first one if nobody else did. */
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) own =
      g_socket_client_connect_to_host (client, "127.0.0.1", self->port, NULL, NULL);
  g_autoptr (GSocketAddress) ours = g_socket_connection_get_local_address (own, NULL);
  g_autoptr (GSocketAddress) theirs = NULL;

  socket = g_socket_listener_accept_socket (self->listener, NULL, now, NULL);
  g_assert_nonnull (socket);
  theirs = g_socket_get_remote_address (socket, NULL);
  is_there = theirs == NULL || g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (ours)) !=
                                   g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (theirs));
  if (is_there) {
    g_autoptr (GSocket) last = g_socket_listener_accept_socket (self->listener, NULL, now, NULL);

    g_assert_nonnull (last);
  }
  return is_there;
}

static gboolean
exists (PolicyFixture *self, const char *name)
{
  g_autofree char *path = fixture_path (&self->plain, name);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static guint
mode_of_secret (PolicyFixture *self)
{
  g_autofree char *path = fixture_path (&self->plain, "secret");
  GStatBuf st;

  g_assert_cmpint (g_stat (path, &st), ==, 0);
  return st.st_mode & 07777;
}

void
policy_fixture_assert_contained (PolicyFixture *self)
{
  fixture_assert_trail (&self->plain, "shop", " granted");
  g_assert_false (exists (self, "outside"));
  g_assert_cmpuint (mode_of_secret (self), ==, 0600);
  g_assert_false (somebody_connected (self));
}

void
policy_fixture_assert_free (PolicyFixture *self)
{
  fixture_assert_trail (&self->plain, "shop", " granted read write chmod connect variable");
  g_assert_true (exists (self, "outside"));
  g_assert_cmpuint (mode_of_secret (self), ==, 0700);
  g_assert_true (somebody_connected (self));
  kill (read_pid (self, "granted/pid"), SIGKILL);
}

/* Ticks of processor time of one process, and one; 0 unless it is a child of ours. */
static guint64
ticks_of (const char *pid, const char *command)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL);
  g_autofree char *text = NULL;
  guint64 user = 0;
  guint64 system = 0;
  int parent = 0;

  if (!g_ascii_isdigit (*pid) || !g_file_get_contents (path, &text, NULL, NULL) ||
      strstr (text, command) == NULL ||
      sscanf (strrchr (text, ')') + 1,
              " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" G_GUINT64_FORMAT
              " %" G_GUINT64_FORMAT,
              &parent, &user, &system) != 3)
    return 0;
  return parent == getpid () ? user + system + 1 : 0;
}

guint64
policy_fixture_ticks (const char *command)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *name;
  guint64 ticks = 0;

  while ((name = g_dir_read_name (proc)) != NULL)
    ticks += ticks_of (name, command);
  return ticks;
}

/* ---- as an ordinary user ---- */

/* Started anew, so that nothing of root's is left to this process. */
static void
become_ordinary (char **argv)
{
  char *const again[] = {argv[0], NULL};

  if (geteuid () != 0)
    return;
  if (setgroups (0, NULL) < 0 || setresgid (65534, 65534, 65534) < 0 ||
      setresuid (65534, 65534, 65534) < 0)
    g_error ("cannot become an ordinary user");
  g_setenv ("HOME", "/", TRUE);
  execv ("/proc/self/exe", again);
  g_error ("cannot start again");
}

void
policy_fixture_main (int argc, char **argv)
{
  if (argc > 1 && g_str_equal (argv[1], "--as-user"))
    become_ordinary (argv);
  g_setenv ("SSH_AUTH_SOCK", "/nowhere/agent", TRUE);
  g_test_init (&argc, &argv, NULL);
}
