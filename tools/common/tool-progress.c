/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line that tells what is going on, drawn at most ten times a second. */
#include "tool-progress.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tool-terminal.h"

#define DRAW_INTERVAL_US 100000
#define CLEAR_LINE "\r\033[K"

struct _ToolProgress {
  GMutex mutex;
  int fd;
  gboolean live;
  gboolean quiet;
  gboolean shown; /* the live line is on the screen */
  guint paused;
  char *step;
  char *detail;
  double fraction;
  gint64 started;
  gint64 drawn;
};

/* What cannot be written is lost: a full or closed log must not end a deployment. */
static void
put (ToolProgress *self, const char *text)
{
  gsize length = strlen (text);

  while (length > 0) {
    gssize n = write (self->fd, text, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    text += n;
    length -= (gsize)n;
  }
}

static void
clear (ToolProgress *self)
{
  if (self->shown)
    put (self, CLEAR_LINE);
  self->shown = FALSE;
}

/* Cuts @line so that it cannot wrap, which would leave parts of it on the screen. */
static void
cut (GString *line, guint columns)
{
  guint taken = 0;
  const char *c = line->str;

  for (; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar letter = g_utf8_get_char (c);

    taken += g_unichar_iszerowidth (letter) ? 0 : g_unichar_iswide (letter) ? 2 : 1;
    if (taken >= columns)
      break;
  }
  g_string_truncate (line, (gsize)(c - line->str));
}

static void
draw (ToolProgress *self)
{
  g_autoptr (GString) line = g_string_new ("… ");

  if (!self->live || self->paused > 0 || self->step == NULL)
    return;
  g_string_append (line, self->step);
  if (self->fraction >= 0)
    g_string_append_printf (line, " %3.0f%%", 100 * MIN (self->fraction, 1.0));
  if (self->detail != NULL)
    g_string_append_printf (line, " %s", self->detail);
  cut (line, tool_terminal_columns (self->fd));
  g_string_prepend (line, CLEAR_LINE);
  put (self, line->str);
  self->shown = TRUE;
  self->drawn = g_get_monotonic_time ();
}

ToolProgress *
tool_progress_new (int fd, ToolProgressStyle style)
{
  ToolProgress *self = g_new0 (ToolProgress, 1);

  g_mutex_init (&self->mutex);
  self->fd = fd;
  self->quiet = style == TOOL_PROGRESS_QUIET;
  self->live = style == TOOL_PROGRESS_AUTO && tool_terminal_is_live (fd);
  return self;
}

void
tool_progress_free (ToolProgress *self)
{
  clear (self);
  g_free (self->step);
  g_free (self->detail);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

void
tool_progress_begin (ToolProgress *self, const char *step)
{
  g_mutex_lock (&self->mutex);
  g_free (self->step);
  g_clear_pointer (&self->detail, g_free);
  self->step = tool_visible (step, FALSE);
  self->fraction = -1;
  self->started = g_get_monotonic_time ();
  draw (self);
  g_mutex_unlock (&self->mutex);
}

void
tool_progress_update (ToolProgress *self, double fraction, const char *detail)
{
  g_mutex_lock (&self->mutex);
  self->fraction = fraction;
  g_free (self->detail);
  self->detail = detail != NULL ? tool_visible (detail, FALSE) : NULL;
  if (g_get_monotonic_time () - self->drawn >= DRAW_INTERVAL_US)
    draw (self);
  g_mutex_unlock (&self->mutex);
}

void
tool_progress_end (ToolProgress *self, gboolean ok, const char *note)
{
  g_autofree char *visible = note != NULL ? tool_visible (note, FALSE) : NULL;
  g_autofree char *line = NULL;

  g_mutex_lock (&self->mutex);
  clear (self);
  if (self->step != NULL && !self->quiet) {
    line = g_strdup_printf (
        "%s%s%s %s (%s%s%.1f s)\n",
        tool_terminal_colour (self->fd, ok ? TOOL_COLOUR_GOOD : TOOL_COLOUR_BAD),
        ok ? "done  " : "failed", tool_terminal_colour (self->fd, TOOL_COLOUR_NONE), self->step,
        visible != NULL ? visible : "", visible != NULL ? ", " : "",
        (double)(g_get_monotonic_time () - self->started) / G_USEC_PER_SEC);
    put (self, line);
  }
  g_clear_pointer (&self->step, g_free);
  g_mutex_unlock (&self->mutex);
}

void
tool_progress_line (ToolProgress *self, const char *text)
{
  g_autofree char *visible = tool_visible (text, TRUE);

  g_mutex_lock (&self->mutex);
  clear (self);
  if (!self->quiet) {
    put (self, visible);
    if (!g_str_has_suffix (visible, "\n"))
      put (self, "\n");
  }
  draw (self);
  g_mutex_unlock (&self->mutex);
}

void
tool_progress_pause (ToolProgress *self)
{
  g_mutex_lock (&self->mutex);
  clear (self);
  self->paused++;
  g_mutex_unlock (&self->mutex);
}

void
tool_progress_resume (ToolProgress *self)
{
  g_mutex_lock (&self->mutex);
  self->paused--;
  draw (self);
  g_mutex_unlock (&self->mutex);
}
