/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A look at a layout without its lock: what is live and what the record says, as it is this moment.
 * Nothing is made or changed at the target.
 */
#include "hookrun-layout-private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "hookrun-json-private.h"
#include "hookrun-shell-private.h"
#include "hookrun-target-private.h"

#define MAX_RECORD 65536

/* In the place of a name: what lies where the link goes is no link. */
#define OCCUPIED "//"

/* First a line with the name of what is live, or where the link leads; then one that tells which of
 * both, a nick of HookrunLiveState; then the record. What cannot be read is not missing: a folder
 * of somebody else must not look like one where nothing was deployed. */
static const char script[] =
    "LC_ALL=C; export LC_ALL\n"
    "give_up () {\n"
    "  echo \"$1/$2: $3; nothing is known of what is deployed there\" >&2; exit 1\n"
    "}\n"
    "unreadable () {\n"
    "  give_up \"$1\" \"$2\" \"Permission denied; look as the user who deployed it, or as root\"\n"
    "}\n"
    "if ! cd -- \"$1\" 2>/dev/null; then\n"
    "  case $(ls -d -- \"$1/.\" 2>&1) in *'No such file'*) exit 0 ;; esac\n"
    "  unreadable \"$1\" .\n"
    "fi\n"
    "if [ $2 = releases ] && [ -e current ] && [ ! -h current ]; then echo " OCCUPIED "; exit; fi\n"
    "if [ -h .hookrun ]; then\n"
    "  give_up \"$1\" .hookrun 'a symbolic link, which was not made here; remove it'\n"
    "fi\n"
    "if [ -e .hookrun ] && ! ls .hookrun/. >/dev/null 2>&1; then unreadable \"$1\" .hookrun; fi\n"
    "for file in current deployed.json; do\n"
    "  [ -e .hookrun/$file ] || continue\n"
    "  [ -r .hookrun/$file ] || unreadable \"$1\" .hookrun/$file\n"
    "  if [ ! -f .hookrun/$file ] || [ \"$(wc -c <.hookrun/$file)\" -gt $3 ]; then\n"
    "    give_up \"$1\" .hookrun/$file 'not a file of a size that is written here; remove it "
    "there'\n"
    "  fi\n"
    "done\n"
    "name='' state=none word=''\n"
    "if [ $2 = in-place ]; then\n"
    "  [ ! -f .hookrun/current ] || { read -r name <.hookrun/current; state=live; }\n"
    "elif [ -h current ]; then\n"
    "  for look in 1 2 3 4 5; do\n" /* a run that has just died may take its switch back */
    "    link=$(readlink current)\n"
    "    name=${link##*/}\n"
    "    if [ -n \"$name\" ] && [ current/. -ef \"releases/$name/.\" ]; then state=live\n"
    "    elif [ \"$link\" = \"releases/$name\" ] && [ ! -e current ]; then state=gone\n"
    "    else state=astray name=$(printf %s \"$link\" | tr '\\n' '?')\n"
    "    fi\n"
    "    [ \"$link\" != \"$(readlink current)\" ] || break\n"
    "  done\n"
    "fi\n"
    "[ ! -f .hookrun/journal ] || read -r word rest <.hookrun/journal\n"
    "case $word-$state in switch-live | place-live) state=open ;; esac\n"
    "printf '%s\\n%s\\n' \"$name\" $state\n"
    "if [ -f .hookrun/deployed.json ]; then cat .hookrun/deployed.json; fi\n";

static const char *const states[] = {
    [HOOKRUN_LIVE_NONE] = "none", [HOOKRUN_LIVE_RELEASE] = "live",  [HOOKRUN_LIVE_OPEN] = "open",
    [HOOKRUN_LIVE_GONE] = "gone", [HOOKRUN_LIVE_ASTRAY] = "astray",
};

/* A local target whose root is missing: even a command that only looks would make it. */
static gboolean
has_no_root (HookrunTarget *target)
{
  const char *root = hookrun_target_get_root (target);
  struct stat st;

  return root[0] != '\0' && lstat (root, &st) < 0 && errno == ENOENT;
}

static void
set_occupied (HookrunTarget *target, const char *folder, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
               "target \"%s\": %s/current is a real file or folder and no link to a release, so it "
               "was not made here; move it away, choose another path, or deploy with layout = "
               "in-place",
               hookrun_target_get_name (target), folder);
}

static void
set_damaged (HookrunLayout *self, const char *file, const char *why, GError **error)
{
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
      "target \"%s\": %s/%s is damaged: %s; remove it there, the next deployment writes it "
      "anew",
      hookrun_target_get_name (self->target), self->folder, file, why);
}

static gboolean
find_state (HookrunLayout *self, const char *nick, HookrunLiveState *state, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_strcmp0 (nick, states[i]) == 0) {
      *state = (HookrunLiveState)i;
      return TRUE;
    }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
               "target \"%s\": its shell answered nonsense when %s was looked at",
               hookrun_target_get_name (self->target), self->folder);
  return FALSE;
}

/* @text begins with two lines, see the script. */
static gboolean
read_reply (HookrunLayout *self, const char *text, HookrunLayoutView *view, GError **error)
{
  const HookrunJsonLimits limits = {.max_size = MAX_RECORD, .max_depth = 8};
  g_auto (GStrv) lines = g_strsplit (text, "\n", 3);
  g_autoptr (GError) problem = NULL;

  if (lines[0] == NULL)
    return TRUE;
  if (g_str_equal (lines[0], OCCUPIED)) {
    set_occupied (self->target, self->folder, error);
    return FALSE;
  }
  if (!find_state (self, lines[1], &view->state, error))
    return FALSE;
  if (view->state != HOOKRUN_LIVE_NONE && view->state != HOOKRUN_LIVE_ASTRAY &&
      !hookrun_layout_check_release (lines[0], NULL)) {
    set_damaged (self, self->kind == HOOKRUN_LAYOUT_IN_PLACE ? ".hookrun/current" : "current",
                 "it names no release", error);
    return FALSE;
  }
  if (lines[2] != NULL && *lines[2] != '\0') {
    view->record = hookrun_json_parse (lines[2], strlen (lines[2]), &limits, "it", &problem);
    if (view->record == NULL) {
      set_damaged (self, ".hookrun/deployed.json", problem->message, error);
      return FALSE;
    }
  }
  if (view->state != HOOKRUN_LIVE_NONE)
    view->name = g_utf8_make_valid (lines[0], -1);
  return TRUE;
}

void
hookrun_layout_view_clear (HookrunLayoutView *view)
{
  g_clear_pointer (&view->name, g_free);
  g_clear_pointer (&view->record, json_node_unref);
}

gboolean
hookrun_layout_look (HookrunLayout *self, HookrunLayoutView *view, GCancellable *cancellable,
                     GError **error)
{
  const char *kind = self->kind == HOOKRUN_LAYOUT_IN_PLACE ? "in-place" : "releases";
  g_autofree char *folder = NULL;
  g_autofree char *command_line = NULL;
  g_autofree char *limit = g_strdup_printf ("%d", MAX_RECORD);
  g_auto (HookrunCommandResult) result = {0};
  HookrunCommand command = {.label = "peek", .stdin_fd = -1, .max_output = 2 * MAX_RECORD};

  if (has_no_root (self->target))
    return TRUE;
  folder = hookrun_target_map_path (self->target, self->folder);
  command_line = hookrun_shell_quote_argv (
      (const char *const[]){"sh", "-c", script, "hookrun-peek", folder, kind, limit, NULL});
  command.command_line = command_line;
  if (!hookrun_target_run_command (self->target, &command, &result, cancellable, error) ||
      !hookrun_target_check_status (self->target, "peek", result.status, result.errors, TRUE,
                                    error))
    return FALSE;
  return read_reply (self, g_bytes_get_data (result.output, NULL), view, error);
}

/**
 * hookrun_layout_peek:
 * @self: a layout, open or not
 * @current: (out) (nullable) (transfer full): name of the release that is live; %NULL for none,
 * also when the one that was live is not there any more
 * @record: (out) (nullable) (transfer full): the record that was given when it was confirmed
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Looks at what is live without taking the lock and without changing anything; connects if need be.
 * Another run may be changing it meanwhile. Errors: %HOOKRUN_ERROR_PROTOCOL for a damaged record,
 * %HOOKRUN_ERROR_EXISTS when `current` is no link to a release, %HOOKRUN_ERROR_PERMISSION when the
 * login user may not read what is there, %HOOKRUN_ERROR_COMMAND, and those of
 * [method@Hookrun.Target.connect_finish].
 *
 * Returns: %TRUE when @current and @record are set
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_peek (HookrunLayout *self, char **current, JsonNode **record,
                     GCancellable *cancellable, GError **error)
{
  g_auto (HookrunLayoutView) view = {0};

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  if (!hookrun_layout_look (self, &view, cancellable, error))
    return FALSE;
  if (view.state == HOOKRUN_LIVE_ASTRAY) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
                 "target \"%s\": %s/current leads to %s, which is no release in %s/releases, so it "
                 "was not made here; remove it (the next deployment makes it anew), or choose "
                 "another path",
                 hookrun_target_get_name (self->target), self->folder, view.name, self->folder);
    return FALSE;
  }
  *current = view.state != HOOKRUN_LIVE_GONE ? g_steal_pointer (&view.name) : NULL;
  *record = g_steal_pointer (&view.record);
  return TRUE;
}
