/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever a worker sends while the host waits for it: one call is open, number 1, and requests are
 * served. The call must end, with an answer or an error, and the worker must be as good as gone.
 */
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hookrun-worker-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
serve (HookrunWorker *worker, HookrunWorkerRequest *request, gpointer user_data)
{
  JsonNode *params = hookrun_worker_request_get_params (request);

  g_assert_nonnull (hookrun_worker_request_get_method (request));
  g_assert_true (params == NULL || JSON_NODE_HOLDS_OBJECT (params));
  hookrun_worker_request_answer (request, params);
}

static void
check_line (HookrunWorker *worker, HookrunLogLevel level, const char *text, gpointer user_data)
{
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (const char *at = text; *at != '\0'; at++)
    g_assert_true ((guchar)*at >= 0x20 || *at == '\t');
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const WorkerCallSpec spec = {.method = "handler.call", .params = "{}", .timeout_ms = 5000};
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = NULL;
  HookrunWorker *worker;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  worker = hookrun_worker_new_for_socket ("fuzz", ends[0]);
  hookrun_worker_set_request_handler (worker, serve, NULL, NULL);
  g_signal_connect (worker, "log", G_CALLBACK (check_line), NULL);
  /* What does not fit into the socket is cut off, as by a worker that ends in the middle. */
  g_assert_cmpint (send (ends[1], data, size, MSG_DONTWAIT | MSG_NOSIGNAL), >=, size > 0 ? -1 : 0);
  shutdown (ends[1], SHUT_WR);
  answer = hookrun_worker_call_full (worker, &spec, &error);
  g_assert_true ((answer == NULL) == (error != NULL));
  close (ends[1]);
  hookrun_worker_terminate (worker);
  g_assert_finalize_object (worker);
  return 0;
}
