/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is told of an agent: that it is silent or lost, what it refused, who holds its lock; and how
 * long each of its answers may take.
 */
#include "hookrun-agent-private.h"

#include <string.h>
#include <unistd.h>

#include "hookrun-target-private.h"

#define STATUS_BUSY 75

/* Ahead of everything the agent prints, and of what it says when it opens and has to undo first. */
#define MARK "\036hookrun\n"
#define UNDOES_MARK "\036undo\n"

/* What copies, reads or removes trees takes as long as they are large; but taking back cannot be
 * cancelled, and goes on at the target when nobody waits for it. */
guint
hookrun_agent_limit_ms (const char *step, guint lease_ms)
{
  static const char *const quick[] = {"state",  "current", "previous", "list",
                                      "record", "expect",  "set_mode", NULL};

  if (g_strv_contains (quick, step))
    return 2 * lease_ms;
  return g_str_equal (step, "undo") ? HOOKRUN_AGENT_UNDO_LIMIT_MS : 0;
}

guint
hookrun_agent_count_signs (const void *data, gsize length)
{
  if (memmem (data, length, MARK, strlen (MARK)) == NULL)
    return 0;
  return memmem (data, length, UNDOES_MARK, strlen (UNDOES_MARK)) != NULL ? 2 : 1;
}

const char *
hookrun_agent_text_of_opening (const char *text)
{
  const char *mark = strstr (text, UNDOES_MARK);

  if (mark != NULL)
    return mark + strlen (UNDOES_MARK);
  mark = strstr (text, MARK);
  return mark != NULL ? mark + strlen (MARK) : "";
}

GError *
hookrun_agent_describe_silence (HookrunTarget *target, gboolean has_begun, const char *step,
                                guint seconds)
{
  const char *name = hookrun_target_get_name (target);

  if (!has_begun)
    return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT,
                        "target \"%s\": its login shell did not begin to run the agent that holds "
                        "the lock within %u s; see there what its start-up files do (such as "
                        "~/.bashrc), and whether the machine hangs; then run it again",
                        name, seconds);
  return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT,
                      "target \"%s\": no answer to \"%s\" within %u s, so it was given up, and "
                      "the lock with it; see whether the machine or its disk hangs, then run it "
                      "again",
                      name, step != NULL ? step : "open", seconds);
}

GError *
hookrun_agent_describe_loss (HookrunTarget *target, gboolean has_begun, int status,
                             const char *output, const char *errors, GError *cause)
{
  g_autofree char *lines = hookrun_target_last_lines (errors);
  const char *why = cause != NULL      ? cause->message
                    : lines[0] != '\0' ? lines
                                       : "it ended by itself";
  HookrunError code = hookrun_target_code_of_text (lines);
  GError *error;

  if (cause == NULL && !has_begun)
    return hookrun_target_describe_shell (target, "the agent that holds the lock", status, output,
                                          errors);
  if (code == HOOKRUN_ERROR_COMMAND)
    code = cause != NULL ? (HookrunError)cause->code : HOOKRUN_ERROR_CONNECTION;
  error = g_error_new (HOOKRUN_ERROR, (int)code, "target \"%s\": the lock %s: %s",
                       hookrun_target_get_name (target), has_begun ? "is lost" : "cannot be taken",
                       why);
  g_clear_error (&cause);
  return error;
}

char *
hookrun_agent_describe_holder (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format_iso8601 (now);

  return g_strdup_printf ("%s on %s, process %d, since %s", g_get_user_name (), g_get_host_name (),
                          (int)getpid (), time);
}

void
hookrun_agent_set_open_error (HookrunTarget *target, const char *folder, int status,
                              const char *text, GError **error)
{
  g_autofree char *lines = hookrun_target_last_lines (text);

  if (status == STATUS_BUSY)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY,
                 "target \"%s\": %s is locked by %s; wait until that is over",
                 hookrun_target_get_name (target), folder,
                 lines[0] != '\0' ? lines : "someone who left no name");
  else
    g_set_error (error, HOOKRUN_ERROR, (int)hookrun_target_code_of_text (lines),
                 "target \"%s\": cannot open %s: %s", hookrun_target_get_name (target), folder,
                 lines);
}

void
hookrun_agent_set_step_error (HookrunTarget *target, const char *step, const char *text,
                              GError **error)
{
  g_autofree char *lines = hookrun_target_last_lines (text);
  HookrunError code = hookrun_target_code_of_text (lines);
  GError *problem;

  if (strstr (lines, "was changed after it was sealed") != NULL)
    code = HOOKRUN_ERROR_CONFLICT;
  problem = g_error_new (HOOKRUN_ERROR, (int)code, "target \"%s\": step \"%s\" failed: %s",
                         hookrun_target_get_name (target), step, lines);
  hookrun_target_add_remedy (problem);
  g_propagate_error (error, problem);
}

/* The agent knows its folders by descriptors; people know them by names. */
void
hookrun_agent_name_folders (GError *error, const char *folder)
{
  static const struct {
    const char *path;
    const char *name;
  } folders[] = {
      {"/proc/self/fd/7", ".hookrun"},
      {"/proc/self/fd/6", "releases"},
      {"/proc/self/fd/5", "shared"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_auto (GStrv) parts = g_strsplit (error->message, folders[i].path, -1);
    g_autofree char *name = g_build_filename (folder, folders[i].name, NULL);

    g_free (error->message);
    error->message = g_strjoinv (name, parts);
  }
}
