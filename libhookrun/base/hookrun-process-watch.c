/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running program as a source of a main context: no thread, no SIGCHLD handler, no polling. */
#include "hookrun-process-core-private.h"

typedef struct {
  GSource source;
  HookrunProcess *process;
  GCancellable *cancellable;
  gpointer tags[4]; /* the streams, then the program's end; NULL: not watched any more */
} ProcessSource;

static void
forget (ProcessSource *self, guint i)
{
  if (self->tags[i] == NULL)
    return;
  g_source_remove_unix_fd (&self->source, self->tags[i]);
  self->tags[i] = NULL;
}

static guint
collect_ready (ProcessSource *self)
{
  guint ready = 0;

  for (guint i = 0; i < G_N_ELEMENTS (self->tags); i++)
    if (self->tags[i] != NULL && g_source_query_unix_fd (&self->source, self->tags[i]) != 0)
      ready |= 1u << i;
  return ready;
}

/* Descriptors that the turn closed leave the source before the context polls again. */
static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ProcessSource *self = (ProcessSource *)source;
  HookrunProcess *process = self->process;
  HookrunProcessDoneFunc done = (HookrunProcessDoneFunc)(gpointer)callback;
  guint ready = collect_ready (self);

  if (!hookrun_process_turn (process, ready, g_cancellable_is_cancelled (self->cancellable))) {
    for (guint i = 0; i < G_N_ELEMENTS (process->streams); i++)
      if (process->streams[i] < 0)
        forget (self, i);
    if (process->has_ended)
      forget (self, G_N_ELEMENTS (process->streams));
    g_source_set_ready_time (source, hookrun_process_next_turn (process));
    return G_SOURCE_CONTINUE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (self->tags); i++)
    forget (self, i);
  done (process, user_data);
  return G_SOURCE_REMOVE;
}

static void
finalize (GSource *source)
{
  g_clear_object (&((ProcessSource *)source)->cancellable);
}

/* The cancellable's source only wakes this one, and once: it would stay ready from then on. */
static gboolean
wake (GCancellable *cancellable, gpointer user_data)
{
  return G_SOURCE_REMOVE;
}

void
hookrun_process_watch (HookrunProcess *self, GMainContext *context, GCancellable *cancellable,
                       HookrunProcessDoneFunc done, gpointer user_data)
{
  static GSourceFuncs funcs = {NULL, NULL, dispatch, finalize, NULL, NULL};
  g_autoptr (GSource) source = g_source_new (&funcs, sizeof (ProcessSource));
  ProcessSource *watch = (ProcessSource *)source;

  watch->process = self;
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    if (self->streams[i] >= 0)
      watch->tags[i] = g_source_add_unix_fd (source, self->streams[i], G_IO_IN | G_IO_HUP);
  watch->tags[3] = g_source_add_unix_fd (source, self->child.exit_fd, G_IO_IN);
  if (cancellable != NULL) {
    g_autoptr (GSource) cancel = g_cancellable_source_new (cancellable);

    watch->cancellable = g_object_ref (cancellable);
    g_source_set_callback (cancel, (GSourceFunc)(gpointer)wake, NULL, NULL);
    g_source_add_child_source (source, cancel);
  }
  g_source_set_static_name (source, "hookrun program");
  g_source_set_callback (source, (GSourceFunc)(gpointer)done, user_data, NULL);
  g_source_set_ready_time (source, hookrun_process_next_turn (self));
  g_source_attach (source, context);
}
