/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Further connections of a target. Nothing is asked in advance: only a command that the server has
 * refused for a moment makes one, so that an ordinary server costs nothing. How many sessions a
 * connection bears is learnt from the refusal.
 */
#include "hookrun-ssh-spares-private.h"

#define MAX_SPARES 4
/* A short command may end meanwhile and leave its place. */
#define PATIENCE_US (250 * G_TIME_SPAN_MILLISECOND)

struct _HookrunSshSpares {
  GPtrArray *sessions; /* HookrunSshSession */
  guint capacity;      /* sessions that the server opens on one connection; 0: not known */
};

HookrunSshSpares *
hookrun_ssh_spares_new (void)
{
  HookrunSshSpares *self = g_new0 (HookrunSshSpares, 1);

  self->sessions = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_ssh_session_unref);
  return self;
}

static gboolean
has_room (HookrunSshSpares *self, HookrunSshSession *session)
{
  return session->stage == HOOKRUN_SSH_STAGE_READY &&
         (self->capacity == 0 || session->channels->len < self->capacity);
}

HookrunSshSession *
hookrun_ssh_spares_choose (HookrunSshSpares *self, HookrunSshSession *first)
{
  for (guint i = 0; i < self->sessions->len && !has_room (self, first); i++)
    if (has_room (self, self->sessions->pdata[i]))
      return self->sessions->pdata[i];
  return first;
}

static HookrunSshChannel *
find_waiting (HookrunSshSession *session)
{
  for (guint i = 0; i < session->channels->len; i++)
    if (hookrun_ssh_channel_is_waiting (session->channels->pdata[i]))
      return session->channels->pdata[i];
  return NULL;
}

/* Sessions that the server has open on this connection. */
static guint
count_open (HookrunSshSession *session)
{
  guint count = 0;

  for (guint i = 0; i < session->channels->len; i++)
    count += hookrun_ssh_channel_is_open (session->channels->pdata[i]) ? 1 : 0;
  return count;
}

/* Whether a command on @session waits for a place that does not come free by itself. */
static gboolean
is_stuck (HookrunSshSession *session)
{
  HookrunSshChannel *waiting = find_waiting (session);
  gint64 since = waiting != NULL ? hookrun_ssh_channel_get_refused_us (waiting) : 0;

  return since > 0 && g_get_monotonic_time () - since > PATIENCE_US && count_open (session) > 0;
}

static void
move_waiting (HookrunSshSpares *self, HookrunSshSession *from, HookrunSshSession *first)
{
  while (from->channels->len > self->capacity) {
    HookrunSshChannel *channel = find_waiting (from);
    HookrunSshSession *to = hookrun_ssh_spares_choose (self, first);

    if (channel == NULL || !has_room (self, to))
      return;
    hookrun_ssh_channel_move (channel, to);
  }
}

static void
start_one (HookrunSshSpares *self, HookrunSshSession *first)
{
  g_ptr_array_add (self->sessions, hookrun_ssh_session_new (first->target, first->loop, first->spec,
                                                            first->send_buffer));
  first->relief_comes = TRUE;
  hookrun_ssh_loop_wake (first->loop);
}

static void
drop_dead (HookrunSshSpares *self, HookrunSshSession *first)
{
  first->relief_comes = FALSE;
  for (guint i = self->sessions->len; i > 0; i--) {
    HookrunSshSession *session = self->sessions->pdata[i - 1];

    first->relief_comes |= session->stage < HOOKRUN_SSH_STAGE_READY;
    if (session->stage != HOOKRUN_SSH_STAGE_DEAD)
      continue;
    if (first->relief_error == NULL)
      first->relief_error = g_error_copy (session->error);
    hookrun_ssh_session_close (session);
    g_ptr_array_remove_index (self->sessions, i - 1);
  }
}

void
hookrun_ssh_spares_pump (HookrunSshSpares *self, HookrunSshSession *first)
{
  for (guint i = 0; i < self->sessions->len; i++)
    hookrun_ssh_session_pump (self->sessions->pdata[i]);
  drop_dead (self, first);
  if (is_stuck (first))
    self->capacity = count_open (first);
  if (self->capacity == 0)
    return;
  move_waiting (self, first, first);
  for (guint i = 0; i < self->sessions->len; i++)
    move_waiting (self, self->sessions->pdata[i], first);
  if (is_stuck (first) && !first->relief_comes && first->relief_error == NULL &&
      self->sessions->len < MAX_SPARES)
    start_one (self, first);
}

void
hookrun_ssh_spares_close (HookrunSshSpares *self, const GError *error)
{
  for (guint i = 0; i < self->sessions->len; i++) {
    HookrunSshSession *session = self->sessions->pdata[i];

    if (session->error == NULL && error != NULL)
      session->error = g_error_copy (error);
    hookrun_ssh_session_close (session);
  }
  g_ptr_array_set_size (self->sessions, 0);
  self->capacity = 0;
}

void
hookrun_ssh_spares_free (HookrunSshSpares *self)
{
  hookrun_ssh_spares_close (self, NULL);
  g_ptr_array_unref (self->sessions);
  g_free (self);
}
