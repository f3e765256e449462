/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Large transfers both ways at once, with small socket buffers and a server that renews the keys
 * every megabyte: what the kernel takes in parts must arrive whole, every time.
 */
#include "ssh-client.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A stream of pseudo-random bytes that sender and receiver compute alike. */
typedef struct {
  guint64 state;
} Noise;

static void
noise_fill (Noise *self, guint64 *words, gsize n_words)
{
  for (gsize i = 0; i < n_words; i++) {
    self->state ^= self->state << 13;
    self->state ^= self->state >> 7;
    self->state ^= self->state << 17;
    words[i] = self->state;
  }
}

#define BLOCK_WORDS 4096
#define BLOCK (BLOCK_WORDS * sizeof (guint64))

typedef struct {
  int fd;
  gsize length; /* a multiple of BLOCK */
  gboolean good;
  gsize done;
} Side;

static gpointer
send_noise (gpointer data)
{
  Side *self = data;
  Noise noise = {88172645463325252ull};
  guint64 words[BLOCK_WORDS];

  for (self->done = 0; self->done < self->length; self->done += BLOCK) {
    noise_fill (&noise, words, BLOCK_WORDS);
    for (gsize sent = 0; sent < BLOCK;) {
      gssize count = send (self->fd, (char *)words + sent, BLOCK - sent, MSG_NOSIGNAL);

      if (count <= 0)
        return NULL;
      sent += (gsize)count;
    }
  }
  shutdown (self->fd, SHUT_WR);
  self->good = TRUE;
  return NULL;
}

static gpointer
check_noise (gpointer data)
{
  Side *self = data;
  Noise noise = {88172645463325252ull};
  guint64 expected[BLOCK_WORDS];
  guint64 words[BLOCK_WORDS];

  for (self->done = 0; self->done < self->length; self->done += BLOCK) {
    noise_fill (&noise, expected, BLOCK_WORDS);
    if (recv (self->fd, words, BLOCK, MSG_WAITALL) != (gssize)BLOCK ||
        memcmp (words, expected, BLOCK) != 0)
      return NULL;
  }
  self->good = recv (self->fd, words, 1, 0) == 0;
  return NULL;
}

typedef struct {
  gboolean done;
  int status;
  GError *error;
} End;

static void
on_executed (GObject *target, GAsyncResult *result, gpointer user_data)
{
  End *end = user_data;

  HOOKRUN_TARGET_GET_IFACE (target)->execute_finish (HOOKRUN_TARGET (target), result, &end->status,
                                                     &end->error);
  end->done = TRUE;
}

/* Sends @length bytes through "cat" at the other side and compares what comes back. */
static void
echo (HookrunTarget *target, gsize length)
{
  int pair[2];
  Side sides[2] = {{-1, length, FALSE, 0}, {-1, length, FALSE, 0}};
  GThread *threads[2];
  End end = {FALSE, 0, NULL};

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  sides[0].fd = sides[1].fd = pair[0];
  threads[0] = g_thread_new ("send", send_noise, &sides[0]);
  threads[1] = g_thread_new ("check", check_noise, &sides[1]);
  HOOKRUN_TARGET_GET_IFACE (target)->execute_async (target, "cat", pair[1], dup (pair[1]), -1, NULL,
                                                    on_executed, &end);
  ssh_client_until (&end.done, 100);
  g_assert_no_error (end.error);
  g_assert_cmpint (end.status, ==, 0);
  g_thread_join (threads[0]);
  g_thread_join (threads[1]);
  g_assert_true (sides[0].good);
  g_assert_true (sides[1].good);
  close (pair[0]);
}

static void
test_fifty_megabytes (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autoptr (HookrunTarget) target = NULL;
  gint64 start;

  sshd_fixture_use (server, NULL);
  target = ssh_client_connected ("host");
  start = g_get_monotonic_time ();
  echo (target, 50 * 1024 * 1024 / BLOCK * BLOCK);
  g_test_message ("50 MiB each way in %.2f s",
                  (double)(g_get_monotonic_time () - start) / G_USEC_PER_SEC);
}

/* How often the server has changed keys, the first time of each connection included. */
static guint
count_key_changes (SshdFixture *server)
{
  g_autofree char *name = g_build_filename (server->folder, "sshd.log", NULL);
  g_autofree char *text = NULL;
  guint count = 0;

  g_assert_true (g_file_get_contents (name, &text, NULL, NULL));
  for (const char *p = text; (p = strstr (p, "SSH2_MSG_NEWKEYS received")) != NULL; p++)
    count++;
  return count;
}

/* Each round is a connection of its own, so its length of packets, and with it the places where
 * the keys change, differ. */
static void
test_rekeying (gconstpointer n_rounds)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new ("RekeyLimit 1M\nLogLevel DEBUG1\n");
  guint changes;

  sshd_fixture_use (server, NULL);
  for (guint i = 0; i < GPOINTER_TO_UINT (n_rounds); i++) {
    g_autoptr (HookrunTarget) target = ssh_client_new ("host");
    g_autoptr (GError) error = NULL;

    hookrun_ssh_target_set_send_buffer (HOOKRUN_SSH_TARGET (target), 4096 << i % 3 * 2);
    ssh_client_connect (target, &error);
    g_assert_no_error (error);
    echo (target, (4 * 1024 * 1024 + i % 20 * 100 * 1024) / BLOCK * BLOCK);
  }
  changes = count_key_changes (server);
  g_test_message ("%u key changes", changes);
  g_assert_cmpuint (changes, >=, 5 * GPOINTER_TO_UINT (n_rounds));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/ssh-load/fifty-megabytes-each-way", test_fifty_megabytes);
  if (g_test_slow ())
    g_test_add_data_func ("/remote/ssh-load/rekeying-100-of-100", GUINT_TO_POINTER (100),
                          test_rekeying);
  else
    g_test_add_data_func ("/remote/ssh-load/rekeying", GUINT_TO_POINTER (5), test_rekeying);
  return g_test_run ();
}
