/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recording emissions as Chrome trace events: one complete event ("X") for each handler and each
 * emission, or a pair of asynchronous ones ("b", "e") for what lies across others of its thread.
 */
#include "hookrun-trace-private.h"

#include <unistd.h>

#define MAX_EVENTS 1000000 /* some 200 MB; more is counted, not kept */

HookrunTracer *
hookrun_tracer_new (void)
{
  HookrunTracer *self = g_new0 (HookrunTracer, 1);

  self->ref_count = 1;
  hookrun_lock_init (&self->lock);
  return self;
}

HookrunTracer *
hookrun_tracer_ref (HookrunTracer *self)
{
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

void
hookrun_tracer_unref (HookrunTracer *self)
{
  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  if (self->json != NULL)
    g_string_free (self->json, TRUE);
  hookrun_lock_clear (&self->lock);
  g_free (self);
}

void
hookrun_tracer_start (HookrunTracer *self)
{
  hookrun_lock (&self->lock);
  if (self->json == NULL) {
    self->json = g_string_new (NULL);
    self->n_events = 0;
    self->n_dropped = 0;
  }
  hookrun_unlock (&self->lock);
}

char *
hookrun_tracer_stop (HookrunTracer *self)
{
  g_autoptr (GString) out = g_string_new ("{\"traceEvents\":[");
  g_autoptr (GString) events = NULL;
  guint n_dropped;

  hookrun_lock (&self->lock);
  events = g_steal_pointer (&self->json);
  n_dropped = self->n_dropped;
  hookrun_unlock (&self->lock);
  if (events != NULL)
    g_string_append_len (out, events->str, (gssize)events->len);
  g_string_append_printf (out, "],\"displayTimeUnit\":\"ns\",\"otherData\":{\"dropped\":%u}}",
                          n_dropped);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static void
append_text (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_printf (out, "\\%c", *p);
    else if (g_ascii_iscntrl (*p))
      g_string_append_printf (out, "\\u%04x", (guint)(guchar)*p);
    else
      g_string_append_c (out, *p);
  }
  g_string_append_c (out, '"');
}

static void
append_argument (GString *out, const char *key, const char *value)
{
  if (value == NULL)
    return;
  g_string_append_printf (out, "%s\"%s\":", out->str[out->len - 1] == '{' ? "" : ",", key);
  append_text (out, value);
}

static const char *
verdict_name (HookrunVerdict verdict)
{
  static const char *const names[] = {
      [HOOKRUN_CONTINUE] = "continue",
      [HOOKRUN_HANDLED] = "handled",
      [HOOKRUN_FAILED] = "failed",
      [HOOKRUN_PENDING] = "pending",
  };

  return (gsize)verdict < G_N_ELEMENTS (names) ? names[verdict] : "unknown";
}

/* The start of an event, up to its time. */
static void
append_head (GString *out, HookrunSignal *signal, const HookrunHandler *handler, char phase)
{
  const char *name = signal->name;

  if (handler != NULL)
    name = handler->id != NULL ? handler->id : "(no id)";
  g_string_append (out, "{\"name\":");
  append_text (out, name);
  g_string_append_printf (out, ",\"cat\":\"%s\",\"ph\":\"%c\",\"pid\":%d,\"tid\":%d",
                          handler != NULL ? "handler" : "emission", phase, (int)getpid (),
                          (int)gettid ());
}

static void
append_arguments (GString *out, HookrunSignal *signal, const HookrunHandler *handler,
                  const char *subject, HookrunVerdict verdict)
{
  g_string_append (out, ",\"args\":{");
  append_argument (out, "verdict", verdict_name (verdict));
  append_argument (out, "signal", signal->name);
  append_argument (out, "subject", subject);
  append_argument (out, "owner", handler != NULL ? hookrun_handler_get_owner (handler) : NULL);
  g_string_append (out, "}}");
}

static void
append_event (HookrunTracer *self, const char *event)
{
  hookrun_lock (&self->lock);
  if (self->json != NULL && self->n_events < MAX_EVENTS) {
    g_string_append_printf (self->json, "%s%s", self->n_events > 0 ? ",\n" : "\n", event);
    self->n_events++;
  } else {
    self->n_dropped++;
  }
  hookrun_unlock (&self->lock);
}

void
hookrun_tracer_add (HookrunTracer *self, HookrunSignal *signal, const HookrunHandler *handler,
                    const char *subject, gint64 started_us, HookrunVerdict verdict,
                    gboolean overlaps)
{
  static guint last_span = 0; /* atomic */
  gint64 now_us = g_get_monotonic_time ();
  g_autoptr (GString) out = g_string_new (NULL);

  append_head (out, signal, handler, overlaps ? 'b' : 'X');
  g_string_append_printf (out, ",\"ts\":%" G_GINT64_FORMAT, started_us);
  if (!overlaps) {
    g_string_append_printf (out, ",\"dur\":%" G_GINT64_FORMAT, now_us - started_us);
  } else {
    guint span = __atomic_add_fetch (&last_span, 1, __ATOMIC_RELAXED);

    g_string_append_printf (out, ",\"id\":\"%u\"},\n", span);
    append_head (out, signal, handler, 'e');
    g_string_append_printf (out, ",\"ts\":%" G_GINT64_FORMAT ",\"id\":\"%u\"", now_us, span);
  }
  append_arguments (out, signal, handler, subject, verdict);
  append_event (self, out->str);
}
