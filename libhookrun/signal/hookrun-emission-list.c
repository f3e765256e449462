/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An emission of handlers that no signal has: a process that serves one handler of another process
 * runs it with the same rules as that one would.
 */
#include "hookrun-event-private.h"
#include "hookrun-registry-private.h"

static HookrunRun
make_run (HookrunSignal *signal, HookrunList *list, const char *subject, HookrunData *data,
          GCancellable *cancellable)
{
  return (HookrunRun){
      .signal = signal,
      .data = data,
      .subject = subject,
      .cancellable = cancellable,
      .list = list,
      .next = list->handlers,
      .is_bare = TRUE,
  };
}

HookrunVerdict
hookrun_signal_emit_list (HookrunSignal *self, HookrunList *list, const char *subject,
                          HookrunData *data, GCancellable *cancellable, GError **error)
{
  HookrunThread *thread = hookrun_thread_get ();
  HookrunFrame *frame = hookrun_thread_push (thread, self, error);
  HookrunVerdict verdict;

  if (frame == NULL)
    return HOOKRUN_FAILED;
  frame->run = make_run (self, list, subject, data, cancellable);
  verdict = hookrun_run_sync (&frame->run, frame, hookrun_run_step (&frame->run, frame), error);
  hookrun_thread_pop (thread, frame, FALSE);
  return verdict;
}

void
hookrun_signal_emit_list_async (HookrunSignal *self, HookrunList *list, const char *subject,
                                HookrunData *data, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  const HookrunRun run = make_run (self, list, subject, data, cancellable);
  GTask *task = g_task_new (self, NULL, callback, user_data);

  hookrun_async_unref (hookrun_async_start (&run, context, NULL, task));
}
