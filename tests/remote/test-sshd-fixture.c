/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fixture itself: the server lets the user's own ssh program in, and leaves nothing behind. */
#include "sshd-fixture.h"

#include <signal.h>

static void
test_lets_ssh_in (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *output = NULL;
  int status = 0;

  {
    g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
    const char *argv[] = {"ssh", "-F", NULL, "target", "echo through", NULL};

    sshd_fixture_use (server, NULL);
    argv[2] = g_getenv ("HOOKRUN_SSH_CONFIG");
    g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL,
                  &status, &error);
    folder = g_strdup (server->folder);
  }
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpstr (output, ==, "through\n");
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

static void
test_stops_and_starts (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  guint port = server->port;

  g_assert_cmpuint (sshd_fixture_signal (server, 0, TRUE), >=, 1);
  sshd_fixture_stop (server);
  g_assert_cmpuint (sshd_fixture_signal (server, 0, TRUE), ==, 0);
  sshd_fixture_start (server);
  g_assert_cmpuint (server->port, ==, port);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/sshd-fixture/lets-ssh-in", test_lets_ssh_in);
  g_test_add_func ("/remote/sshd-fixture/stops-and-starts", test_stops_and_starts);
  return g_test_run ();
}
