/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions inside sessions: ProxyJump over real servers, with a host key to check at each. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "ssh-client.h"

typedef struct {
  SshdFixture *servers[3];
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->servers); i++)
    self->servers[i] = sshd_fixture_new (NULL);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->servers); i++)
    sshd_fixture_free (self->servers[i]);
}

/* "target" is the first server, reached as @jump_lines say; "hop" and "hop2" are the others. */
static void
use (Fixture *self, const char *jump_lines, const char *hop_lines)
{
  g_autofree char *target = sshd_fixture_stanza (self->servers[0], "target", jump_lines);
  g_autofree char *hop = sshd_fixture_stanza (self->servers[1], "hop", hop_lines);
  g_autofree char *hop2 = sshd_fixture_stanza (self->servers[2], "hop2", NULL);
  g_autofree char *text = g_strconcat (target, hop, hop2, NULL);

  sshd_fixture_use_config (self->servers[0], text);
}

/* The port from which the last server is reached tells that the way leads through another. */
static void
assert_came_through (HookrunTarget *target, SshdFixture *last)
{
  g_autoptr (SshRun) run = ssh_client_run (target, "echo $SSH_CONNECTION; echo $HOME", NULL);

  g_assert_no_error (run->error);
  g_assert_nonnull (strstr (run->output, last->home));
}

static void
test_one_hop (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = NULL;
  g_autofree char *input = g_strnfill (3 * 1024 * 1024, 'x');
  guint sessions_of_hop;

  use (self, "ProxyJump hop\n", NULL);
  target = ssh_client_connected ("target");
  assert_came_through (target, self->servers[0]);
  sessions_of_hop = sshd_fixture_signal (self->servers[1], 0, FALSE);
  g_assert_cmpuint (sessions_of_hop, >, 0);
  g_autoptr (SshRun) run = ssh_client_run (target, "cat; exit 5", input);
  g_assert_no_error (run->error);
  g_assert_cmpuint (run->output_length, ==, strlen (input));
  g_assert_cmpstr (run->output, ==, input);
  g_assert_cmpint (WEXITSTATUS (run->status), ==, 5);
}

static void
test_two_hops (Fixture *self, gconstpointer lines)
{
  const char *const *both = lines;
  g_autoptr (HookrunTarget) target = NULL;

  use (self, both[0], both[1]);
  target = ssh_client_connected ("target");
  assert_came_through (target, self->servers[0]);
  for (guint i = 1; i < 3; i++)
    g_assert_cmpuint (sshd_fixture_signal (self->servers[i], 0, FALSE), >, 0);
}

static void
assert_fails (HookrunError code, const char *needle)
{
  g_autoptr (HookrunTarget) target = ssh_client_new ("target");
  g_autoptr (GError) error = NULL;

  g_assert_false (ssh_client_connect (target, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, needle));
}

static void
test_unknown_hop (Fixture *self, gconstpointer unused)
{
  use (self, "ProxyJump hop\n", NULL);
  g_assert_true (g_file_set_contents (self->servers[1]->known_hosts, "", 0, NULL));
  assert_fails (HOOKRUN_ERROR_HOST_KEY_UNKNOWN, "jump host \"hop\"");
}

static void
test_unknown_target_behind_hop (Fixture *self, gconstpointer unused)
{
  use (self, "ProxyJump hop\n", NULL);
  g_assert_true (g_file_set_contents (self->servers[0]->known_hosts, "", 0, NULL));
  assert_fails (HOOKRUN_ERROR_HOST_KEY_UNKNOWN, "not known");
}

static void
test_target_does_not_answer (Fixture *self, gconstpointer unused)
{
  use (self, "ProxyJump hop\n", NULL);
  sshd_fixture_stop (self->servers[0]);
  assert_fails (HOOKRUN_ERROR_CONNECTION, "jump host \"hop\" cannot connect");
}

static void
test_circle (Fixture *self, gconstpointer unused)
{
  use (self, "ProxyJump hop\n", "ProxyJump target\n");
  assert_fails (HOOKRUN_ERROR_LIMIT, "circle");
}

static void
test_hop_breaks (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = NULL;
  SshRun *run;

  use (self, "ProxyJump hop\n", NULL);
  target = ssh_client_connected ("target");
  run = ssh_client_start (target, "sleep 20", NULL, NULL);
  g_assert_cmpuint (sshd_fixture_signal (self->servers[1], SIGKILL, FALSE), >, 0);
  ssh_client_wait (run);
  g_test_message ("%s", run->error->message);
  g_assert_error (run->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  ssh_run_free (run);
}

int
main (int argc, char **argv)
{
  static const char *const list[] = {"ProxyJump hop2,hop\n", NULL};
  static const char *const chain[] = {"ProxyJump hop\n", "ProxyJump hop2\n"};

  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, func)                                                                      \
  g_test_add ("/remote/ssh-jump/" name, Fixture, data, set_up, func, tear_down)
  ADD ("one-hop", NULL, test_one_hop);
  ADD ("two-hops-in-a-list", list, test_two_hops);
  ADD ("two-hops-in-a-chain", chain, test_two_hops);
  ADD ("unknown-hop", NULL, test_unknown_hop);
  ADD ("unknown-target-behind-hop", NULL, test_unknown_target_behind_hop);
  ADD ("target-does-not-answer", NULL, test_target_does_not_answer);
  ADD ("circle", NULL, test_circle);
  ADD ("hop-breaks", NULL, test_hop_breaks);
#undef ADD
  return g_test_run ();
}
