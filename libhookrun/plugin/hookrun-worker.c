/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HookrunWorker: the object that hosts see. It keeps one process, starts it when it is needed, and
 * lets calls go both ways at the same time.
 */
#include "hookrun-worker-private.h"
#include "hookrun-error-private.h"
#include "hookrun-json-private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

G_DEFINE_FINAL_TYPE (HookrunWorker, hookrun_worker, G_TYPE_OBJECT)

enum { SIGNAL_LOG, SIGNAL_FAILED, N_SIGNALS };

static guint worker_signals[N_SIGNALS];

/* ---- reading while no call does ---- */

typedef struct {
  GSource source;
  GWeakRef worker;
} HomeSource;

static void
serve_home (HookrunWorker *self)
{
  HookrunWorkerRequest *request;

  while ((request = g_queue_pop_head (&self->inbox)) != NULL) {
    self->n_waiting--;
    g_mutex_unlock (&self->lock);
    hookrun_worker_serve (self, request);
    hookrun_worker_request_unref (request);
    g_mutex_lock (&self->lock);
  }
}

static gboolean
home_dispatch (GSource *source, GSourceFunc unused, gpointer user_data)
{
  g_autoptr (HookrunWorker) self = g_weak_ref_get (&((HomeSource *)source)->worker);
  WorkerNews news = WORKER_NEWS_INIT;
  gint64 turn;

  if (self == NULL)
    return G_SOURCE_REMOVE;
  g_mutex_lock (&self->lock);
  hookrun_worker_take_in (self, hookrun_worker_get_ready (self), &news);
  turn = hookrun_worker_next_turn (self);
  g_source_set_ready_time (source, turn > 0 ? turn : -1);
  serve_home (self);
  g_mutex_unlock (&self->lock);
  hookrun_worker_tell (self, &news);
  return G_SOURCE_CONTINUE;
}

static void
home_finalize (GSource *source)
{
  g_weak_ref_clear (&((HomeSource *)source)->worker);
}

static GSource *
home_source_new (HookrunWorker *self)
{
  static GSourceFuncs funcs = {.dispatch = home_dispatch, .finalize = home_finalize};
  GSource *source = g_source_new (&funcs, sizeof (HomeSource));

  g_weak_ref_init (&((HomeSource *)source)->worker, self);
  g_source_set_static_name (source, "hookrun worker");
  g_source_add_unix_fd (source, self->poll_fd, G_IO_IN);
  g_source_attach (source, self->context);
  return source;
}

/* ---- the object ---- */

static void
hookrun_worker_init (HookrunWorker *self)
{
  g_mutex_init (&self->lock);
  self->max_message = HOOKRUN_WORKER_MAX_MESSAGE;
  self->grace_ms = HOOKRUN_WORKER_GRACE_MS;
  self->context = g_main_context_ref_thread_default ();
  self->poll_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->channel.fd = -1;
  self->log.fds[0] = self->log.fds[1] = -1;
  self->abandoned = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->incoming = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->free_wake_fds = g_array_new (FALSE, FALSE, sizeof (int));
  self->scratch = g_string_new (NULL);
  self->home = home_source_new (self);
}

static void
hookrun_worker_dispose (GObject *object)
{
  HookrunWorker *self = HOOKRUN_WORKER (object);

  hookrun_worker_terminate (self);
  if (self->home != NULL) {
    g_source_destroy (self->home);
    g_clear_pointer (&self->home, g_source_unref);
  }
  if (self->request_destroy != NULL)
    self->request_destroy (self->request_data);
  self->request_destroy = NULL;
  self->request_func = NULL;
  G_OBJECT_CLASS (hookrun_worker_parent_class)->dispose (object);
}

static void
hookrun_worker_finalize (GObject *object)
{
  HookrunWorker *self = HOOKRUN_WORKER (object);

  for (guint i = 0; i < self->free_wake_fds->len; i++)
    close (g_array_index (self->free_wake_fds, int, i));
  g_array_unref (self->free_wake_fds);
  g_string_free (self->scratch, TRUE);
  g_hash_table_unref (self->abandoned);
  g_hash_table_unref (self->incoming);
  g_clear_pointer (&self->process, hookrun_worker_process_unref);
  if (self->poll_fd >= 0)
    close (self->poll_fd);
  g_main_context_unref (self->context);
  g_strfreev (self->argv);
  g_strfreev (self->additions);
  g_strfreev (self->environment);
  g_clear_object (&self->sandbox);
  g_free (self->folder);
  g_free (self->name);
  g_free (self->stage);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (hookrun_worker_parent_class)->finalize (object);
}

static void
hookrun_worker_class_init (HookrunWorkerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = hookrun_worker_dispose;
  object_class->finalize = hookrun_worker_finalize;

  /**
   * HookrunWorker::log:
   * @self: the worker
   * @level: weight of the line
   * @text: one line, cleaned of control characters
   *
   * Something that the worker printed or logged: its standard output is %HOOKRUN_LOG_INFO, its
   * standard error %HOOKRUN_LOG_WARNING. Emitted in whichever thread read it. No more than 2,000
   * lines a second are kept; how many were dropped is a line of its own.
   *
   * Since: 1.0
   */
  worker_signals[SIGNAL_LOG] =
      g_signal_new ("log", HOOKRUN_TYPE_WORKER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                    2, HOOKRUN_TYPE_LOG_LEVEL, G_TYPE_STRING);

  /**
   * HookrunWorker::failed:
   * @self: the worker
   * @error: why; %HOOKRUN_ERROR_CRASHED, %HOOKRUN_ERROR_PROTOCOL, %HOOKRUN_ERROR_LIMIT or
   *   %HOOKRUN_ERROR_TIMED_OUT
   *
   * The worker's process ended by itself or had to be killed. All open calls end with the same
   * error; the next call starts it again. Emitted in whichever thread noticed.
   *
   * Since: 1.0
   */
  worker_signals[SIGNAL_FAILED] = g_signal_new ("failed", HOOKRUN_TYPE_WORKER, G_SIGNAL_RUN_LAST, 0,
                                                NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

/* Takes @environment. */
static char **
merge_environment (char **environment, char **additions)
{
  g_autofree char *number = g_strdup_printf ("%d", HOOKRUN_WORKER_FD);

  for (; additions != NULL && *additions != NULL; additions++) {
    const char *equals = strchr (*additions, '=');
    g_autofree char *name = equals != NULL ? g_strndup (*additions, (gsize)(equals - *additions))
                                           : g_strdup (*additions);

    environment = g_environ_setenv (environment, name, equals != NULL ? equals + 1 : "", TRUE);
  }
  return g_environ_setenv (environment, "HOOKRUN_WORKER_FD", number, TRUE);
}

/**
 * hookrun_worker_new:
 * @name: what messages call it, for example the id of a plugin
 * @argv: (array zero-terminated=1): program and arguments; a bare name is looked up in `PATH`
 * @folder: (nullable): working folder of the process; %NULL is the host's
 * @environment: (nullable) (array zero-terminated=1): additions to the host's environment, each
 *   `NAME=value`
 *
 * Makes a worker. Nothing runs before the first call. Where nobody waits for a call, what it sends
 * is read in the main context that is the calling thread's default now.
 *
 * Returns: (transfer full): the worker
 *
 * Since: 1.0
 */
HookrunWorker *
hookrun_worker_new (const char *name, const char *const *argv, const char *folder,
                    const char *const *environment)
{
  HookrunWorker *self;

  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);

  self = g_object_new (HOOKRUN_TYPE_WORKER, NULL);
  self->name = g_strdup (name);
  self->argv = g_strdupv ((char **)(gpointer)argv);
  self->folder = g_strdup (folder);
  self->additions = g_strdupv ((char **)(gpointer)environment);
  self->environment = merge_environment (g_get_environ (), self->additions);
  return self;
}

HookrunWorker *
hookrun_worker_new_for_socket (const char *name, int fd)
{
  HookrunWorker *self = g_object_new (HOOKRUN_TYPE_WORKER, NULL);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

  self->name = g_strdup (name);
  hookrun_channel_init (&self->channel, fd, self->max_message, HOOKRUN_WORKER_MAX_QUEUE);
  epoll_ctl (self->poll_fd, EPOLL_CTL_ADD, fd, &event);
  self->is_running = TRUE;
  self->generation = 1;
  self->started_at = g_get_monotonic_time ();
  return self;
}

/**
 * hookrun_worker_get_name:
 * @self: a worker
 *
 * Gets the name that messages call it.
 *
 * Returns: (transfer none): its name
 *
 * Since: 1.0
 */
const char *
hookrun_worker_get_name (HookrunWorker *self)
{
  g_return_val_if_fail (HOOKRUN_IS_WORKER (self), NULL);

  return self->name;
}

/**
 * hookrun_worker_is_running:
 * @self: a worker
 *
 * Tells whether its process was started and nobody has noticed an end of it since.
 *
 * Returns: whether it runs
 *
 * Since: 1.0
 */
gboolean
hookrun_worker_is_running (HookrunWorker *self)
{
  gboolean is_running;

  g_return_val_if_fail (HOOKRUN_IS_WORKER (self), FALSE);

  g_mutex_lock (&self->lock);
  is_running = self->is_running;
  g_mutex_unlock (&self->lock);
  return is_running;
}

/**
 * hookrun_worker_get_pid:
 * @self: a worker
 *
 * Gets the number of its process, which is the number of its process group, too.
 *
 * Returns: the pid, or 0 when it does not run
 *
 * Since: 1.0
 */
int
hookrun_worker_get_pid (HookrunWorker *self)
{
  int pid = 0;

  g_return_val_if_fail (HOOKRUN_IS_WORKER (self), 0);

  g_mutex_lock (&self->lock);
  if (self->is_running && self->process != NULL)
    pid = hookrun_worker_process_get_pid (self->process);
  g_mutex_unlock (&self->lock);
  return pid;
}

/**
 * hookrun_worker_set_max_message:
 * @self: a worker
 * @max_message: bytes; 0 is the default of 16 MiB
 *
 * Limits the size of a message in either direction, from the next start on. A longer one from the
 * worker ends it with %HOOKRUN_ERROR_LIMIT; a longer call is refused with the same code.
 *
 * Since: 1.0
 */
void
hookrun_worker_set_max_message (HookrunWorker *self, gsize max_message)
{
  g_return_if_fail (HOOKRUN_IS_WORKER (self));

  g_mutex_lock (&self->lock);
  self->max_message = max_message > 0 ? max_message : HOOKRUN_WORKER_MAX_MESSAGE;
  g_mutex_unlock (&self->lock);
}

/**
 * hookrun_worker_set_grace_ms:
 * @self: a worker
 * @grace_ms: milliseconds; 0 is the default of 1000
 *
 * Sets how long each step towards its end may take: from the closed connection to SIGTERM, from
 * there to SIGKILL, and from a missed deadline to the end of a worker that still does not answer.
 *
 * Since: 1.0
 */
void
hookrun_worker_set_grace_ms (HookrunWorker *self, guint grace_ms)
{
  g_return_if_fail (HOOKRUN_IS_WORKER (self));

  g_mutex_lock (&self->lock);
  self->grace_ms = grace_ms > 0 ? grace_ms : HOOKRUN_WORKER_GRACE_MS;
  g_mutex_unlock (&self->lock);
}

/**
 * hookrun_worker_set_request_handler:
 * @self: a worker
 * @func: (scope notified) (closure user_data) (destroy destroy): serves requests
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets who serves what the worker asks for. To be called before the first call.
 *
 * Since: 1.0
 */
void
hookrun_worker_set_request_handler (HookrunWorker *self, HookrunWorkerRequestFunc func,
                                    gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (HOOKRUN_IS_WORKER (self));

  if (self->request_destroy != NULL)
    self->request_destroy (self->request_data);
  self->request_func = func;
  self->request_data = user_data;
  self->request_destroy = destroy;
}

/**
 * hookrun_worker_set_sandbox:
 * @self: a worker
 * @sandbox: a sandbox
 *
 * Confines the process from its next start on. Its connection, its standard output and its standard
 * error are all that it has besides what the policy grants; its environment is what the policy
 * makes, with the additions. What it started ends with it. To be called before the first call.
 *
 * Since: 1.0
 */
void
hookrun_worker_set_sandbox (HookrunWorker *self, HookrunSandbox *sandbox)
{
  HookrunPolicy *policy;

  g_return_if_fail (HOOKRUN_IS_WORKER (self));
  g_return_if_fail (HOOKRUN_IS_SANDBOX (sandbox));

  policy = hookrun_sandbox_get_policy (sandbox);
  g_set_object (&self->sandbox, sandbox);
  g_strfreev (self->environment);
  self->environment =
      merge_environment (hookrun_policy_make_environment (policy, NULL), self->additions);
}

/**
 * hookrun_worker_terminate:
 * @self: a worker
 *
 * Ends the process without waiting: its connection is closed; what still runs in its group after
 * the grace gets SIGTERM, after another one SIGKILL. Open calls end with
 * %HOOKRUN_ERROR_CANCELLED. A later call starts it anew.
 *
 * Since: 1.0
 */
void
hookrun_worker_terminate (HookrunWorker *self)
{
  WorkerNews news = WORKER_NEWS_INIT;
  WorkerCall *call;

  g_return_if_fail (HOOKRUN_IS_WORKER (self));

  g_mutex_lock (&self->lock);
  if (self->is_running) {
    hookrun_worker_log_read (&self->log, hookrun_worker_add_line, &news);
    hookrun_worker_log_finish (&self->log, hookrun_worker_add_line, &news);
    hookrun_worker_close (self);
    if (self->process != NULL)
      hookrun_worker_process_end (self->process, self->grace_ms);
    while ((call = g_queue_pop_head (&self->calls)) != NULL)
      hookrun_worker_call_done (call, NULL,
                                g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                                             "worker \"%s\" was ended", self->name),
                                &news);
  }
  g_mutex_unlock (&self->lock);
  hookrun_worker_tell (self, &news);
}

/**
 * hookrun_worker_wait:
 * @self: a worker
 *
 * Waits until the process that hookrun_worker_terminate() ended is gone with its whole group: at
 * most twice the grace. Blocks; returns at once when it still runs or never ran.
 *
 * Since: 1.0
 */
void
hookrun_worker_wait (HookrunWorker *self)
{
  HookrunWorkerProcess *process = NULL;

  g_return_if_fail (HOOKRUN_IS_WORKER (self));

  g_mutex_lock (&self->lock);
  if (!self->is_running && self->process != NULL)
    process = hookrun_worker_process_ref (self->process);
  g_mutex_unlock (&self->lock);
  if (process == NULL)
    return;
  hookrun_worker_process_wait (process);
  hookrun_worker_process_unref (process);
}
