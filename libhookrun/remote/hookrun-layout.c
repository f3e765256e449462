/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A layout: its lock, its questions, and what comes of an interrupted run. What changes the target
 * is done there by the agent that holds the lock, so losing the lock is losing the power to change.
 */
#include "hookrun-layout-private.h"

#include <string.h>

#include "hookrun-json-private.h"
#include "hookrun-target-private.h"

#define DEFAULT_LEASE_SECONDS 15

G_DEFINE_FINAL_TYPE (HookrunLayout, hookrun_layout, G_TYPE_OBJECT)

GType
hookrun_layout_kind_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {HOOKRUN_LAYOUT_RELEASES, "HOOKRUN_LAYOUT_RELEASES", "releases"},
        {HOOKRUN_LAYOUT_IN_PLACE, "HOOKRUN_LAYOUT_IN_PLACE", "in-place"},
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunLayoutKind", values));
  }
  return type;
}

GType
hookrun_release_state_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {HOOKRUN_RELEASE_MISSING, "HOOKRUN_RELEASE_MISSING", "missing"},
        {HOOKRUN_RELEASE_STARTED, "HOOKRUN_RELEASE_STARTED", "started"},
        {HOOKRUN_RELEASE_SEALED, "HOOKRUN_RELEASE_SEALED", "sealed"},
        {HOOKRUN_RELEASE_SWITCHED, "HOOKRUN_RELEASE_SWITCHED", "switched"},
        {HOOKRUN_RELEASE_CONFIRMED, "HOOKRUN_RELEASE_CONFIRMED", "confirmed"},
        {HOOKRUN_RELEASE_RETIRED, "HOOKRUN_RELEASE_RETIRED", "retired"},
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunReleaseState", values));
  }
  return type;
}

static void
hookrun_layout_finalize (GObject *object)
{
  HookrunLayout *self = HOOKRUN_LAYOUT (object);

  hookrun_layout_close (self);
  g_object_unref (self->target);
  g_free (self->folder);
  g_free (self->recovered);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (hookrun_layout_parent_class)->finalize (object);
}

static void
hookrun_layout_class_init (HookrunLayoutClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_layout_finalize;
}

static void
hookrun_layout_init (HookrunLayout *self)
{
  g_mutex_init (&self->mutex);
  self->lease_seconds = DEFAULT_LEASE_SECONDS;
  self->may_link = TRUE;
  self->shares_files = TRUE; /* until the target says otherwise */
}

/**
 * hookrun_layout_new:
 * @target: a target
 * @folder: (type filename): the folder there
 * @kind: how the folder is laid out
 *
 * Makes a layout; nothing happens at the target yet. All calls of a layout may be made from any
 * thread and block until they are done; run them in a thread where a main loop must not wait.
 *
 * Returns: (transfer full): a new layout
 *
 * Since: 1.0
 */
HookrunLayout *
hookrun_layout_new (HookrunTarget *target, const char *folder, HookrunLayoutKind kind)
{
  HookrunLayout *self;

  g_return_val_if_fail (HOOKRUN_IS_TARGET (target), NULL);
  g_return_val_if_fail (folder != NULL, NULL);

  self = g_object_new (HOOKRUN_TYPE_LAYOUT, NULL);
  self->target = g_object_ref (target);
  self->folder = g_strdup (folder);
  self->kind = kind;
  return self;
}

/**
 * hookrun_layout_make_release_name:
 * @version: (nullable): a version or hash; what cannot be in a name becomes `-`
 *
 * Makes a name for a release: the time in UTC, then @version. Names of later releases sort later.
 *
 * Returns: (transfer full): a name such as `20260131T101530.042Z-1.2.3`
 *
 * Since: 1.0
 */
char *
hookrun_layout_make_release_name (const char *version)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *seconds = g_date_time_format (now, "%Y%m%dT%H%M%S");
  g_autofree char *time =
      g_strdup_printf ("%s.%03dZ", seconds, g_date_time_get_microsecond (now) / 1000);
  g_autofree char *safe = g_strndup (version != NULL ? version : "", 64);

  g_strcanon (safe, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-", '-');
  return safe[0] != '\0' ? g_strconcat (time, "-", safe, NULL) : g_steal_pointer (&time);
}

/**
 * hookrun_layout_set_lease_seconds:
 * @self: a layout
 * @seconds: seconds, at least 3; 15 by default
 *
 * Sets how long the target keeps the lock when it hears nothing: after a connection went silent,
 * that long another run must wait, and an unconfirmed switch stays. Answers that take no work on a
 * tree are given up after twice that time, with %HOOKRUN_ERROR_TIMED_OUT, and the lock with them.
 * Counts from the next opening.
 *
 * Since: 1.0
 */
void
hookrun_layout_set_lease_seconds (HookrunLayout *self, guint seconds)
{
  g_return_if_fail (HOOKRUN_IS_LAYOUT (self));

  self->lease_seconds = MAX (seconds, 3);
}

/**
 * hookrun_layout_set_hard_links:
 * @self: a layout
 * @hard_links: whether a new release may share unchanged files with the live one; %TRUE by default
 *
 * Sets how a new release begins where the target's file system cannot clone files. Hard links take
 * neither time nor space, and a send never writes through them; but what else writes into a file of
 * the release before it is live writes into the live one, too. Where hooks or others may do that,
 * say %FALSE: the files are copied then. In place nothing changes. Counts from the next
 * [method@Hookrun.Layout.begin].
 *
 * Since: 1.0
 */
void
hookrun_layout_set_hard_links (HookrunLayout *self, gboolean hard_links)
{
  g_return_if_fail (HOOKRUN_IS_LAYOUT (self));

  self->may_link = hard_links;
}

/**
 * hookrun_layout_open:
 * @self: a layout
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Connects if need be, makes the folders, takes the lock, and undoes what an interrupted run left
 * live and unconfirmed (see [method@Hookrun.Layout.get_recovered]). The lock is free again when the
 * layout is closed, and when this process, the connection or the target's part of it dies: it never
 * needs an unlock. Does nothing when the lock is held already. Errors: %HOOKRUN_ERROR_BUSY names
 * who holds the lock; %HOOKRUN_ERROR_PERMISSION when `.hookrun`, what is in it, `releases` or
 * `shared` is a symbolic link or belongs to somebody who is neither the login user nor root, and
 * nothing is changed; %HOOKRUN_ERROR_COMMAND when something that is no link is where the link
 * `current` goes, and nothing is changed; %HOOKRUN_ERROR_UNSUPPORTED names a program that the
 * target lacks; %HOOKRUN_ERROR_TIMED_OUT when the target is there and does not answer;
 * %HOOKRUN_ERROR_CANCELLED; %HOOKRUN_ERROR_PERMISSION, %HOOKRUN_ERROR_NO_SPACE,
 * %HOOKRUN_ERROR_COMMAND; those of [method@Hookrun.Target.connect_finish].
 *
 * Returns: %TRUE when the lock is held
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_open (HookrunLayout *self, GCancellable *cancellable, GError **error)
{
  const char *kind;
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  if (hookrun_layout_is_open (self))
    return TRUE;
  hookrun_layout_close (self);
  kind = self->kind == HOOKRUN_LAYOUT_IN_PLACE ? "in-place" : "releases";
  g_mutex_lock (&self->mutex);
  g_clear_pointer (&self->recovered, g_free);
  self->agent = hookrun_agent_open (self->target, self->folder, kind, self->lease_seconds,
                                    &self->recovered, cancellable, error);
  ok = self->agent != NULL;
  g_mutex_unlock (&self->mutex);
  return ok;
}

/**
 * hookrun_layout_is_open:
 * @self: a layout
 *
 * Tells whether the lock is held, as far as this side knows.
 *
 * Returns: %TRUE while it is
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_is_open (HookrunLayout *self)
{
  gboolean is_open;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  g_mutex_lock (&self->mutex);
  is_open = self->agent != NULL && !hookrun_agent_is_lost (self->agent);
  g_mutex_unlock (&self->mutex);
  return is_open;
}

/**
 * hookrun_layout_get_recovered:
 * @self: a layout
 *
 * Gets what opening found of an interrupted run and undid, or what the last
 * [method@Hookrun.Layout.undo] or [method@Hookrun.Layout.switch] in place set aside because
 * somebody else had changed it. Valid until the next such call.
 *
 * Returns: (transfer none) (nullable): a sentence or two, or %NULL when there was nothing
 *
 * Since: 1.0
 */
const char *
hookrun_layout_get_recovered (HookrunLayout *self)
{
  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), NULL);

  return self->recovered != NULL && self->recovered[0] != '\0' ? self->recovered : NULL;
}

/**
 * hookrun_layout_close:
 * @self: a layout
 *
 * Gives the lock back, after undoing what is live and not confirmed. Closing what is closed does
 * nothing.
 *
 * Since: 1.0
 */
void
hookrun_layout_close (HookrunLayout *self)
{
  HookrunAgent *agent;

  g_return_if_fail (HOOKRUN_IS_LAYOUT (self));

  g_mutex_lock (&self->mutex);
  agent = g_steal_pointer (&self->agent);
  g_mutex_unlock (&self->mutex);
  if (agent != NULL)
    hookrun_agent_close (agent);
}

gboolean
hookrun_layout_check_release (const char *release, GError **error)
{
  gsize length = strlen (release);

  if (length > 0 && length <= 128 && g_ascii_isalnum (release[0]) &&
      strspn (release, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == length)
    return TRUE;
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
      "\"%s\" cannot be the name of a release: use letters, digits, \".\", \"_\" and \"-\"",
      release);
  return FALSE;
}

/* NULL-terminated words after @self and the rest. */
char *
hookrun_layout_ask (HookrunLayout *self, GCancellable *cancellable, GError **error,
                    const char *const *words)
{
  char *reply = NULL;

  g_mutex_lock (&self->mutex);
  if (self->agent != NULL)
    reply = hookrun_agent_ask (self->agent, words, cancellable, error);
  else
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "target \"%s\": the layout %s is not open", hookrun_target_get_name (self->target),
                 self->folder);
  g_mutex_unlock (&self->mutex);
  if (reply == NULL && error != NULL)
    hookrun_agent_name_folders (*error, self->folder);
  return reply;
}

/**
 * hookrun_layout_get_state:
 * @self: an open layout
 * @release: a release
 * @state: (out): how far it has come
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Asks how far a release has come: which steps have happened and need not be repeated. Errors:
 * %HOOKRUN_ERROR_INVALID, %HOOKRUN_ERROR_CONNECTION when the lock is lost,
 * %HOOKRUN_ERROR_CANCELLED.
 *
 * Returns: %TRUE when @state is set
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_get_state (HookrunLayout *self, const char *release, HookrunReleaseState *state,
                          GCancellable *cancellable, GError **error)
{
  g_autoptr (GEnumClass) states = NULL;
  const GEnumValue *value;
  g_autofree char *reply = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  if (!hookrun_layout_check_release (release, error))
    return FALSE;
  reply =
      hookrun_layout_ask (self, cancellable, error, (const char *const[]){"state", release, NULL});
  if (reply == NULL)
    return FALSE;
  states = g_type_class_ref (HOOKRUN_TYPE_RELEASE_STATE);
  value = g_enum_get_value_by_nick (states, reply);
  if (value == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
                 "target \"%s\": its agent answered nonsense",
                 hookrun_target_get_name (self->target));
    return FALSE;
  }
  *state = (HookrunReleaseState)value->value;
  return TRUE;
}

/**
 * hookrun_layout_get_release_path:
 * @self: a layout
 * @release: a release
 *
 * Gets the folder of a release at the target, as [method@Hookrun.Target.copy_file] and
 * [method@Hookrun.Sync.run] take it.
 *
 * Returns: (transfer full) (type filename): the folder
 *
 * Since: 1.0
 */
char *
hookrun_layout_get_release_path (HookrunLayout *self, const char *release)
{
  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), NULL);

  if (self->kind == HOOKRUN_LAYOUT_IN_PLACE)
    return g_strdup (self->folder);
  return g_build_filename (self->folder, "releases", release, NULL);
}

static char *
ask_name (HookrunLayout *self, const char *what, GCancellable *cancellable, GError **error)
{
  g_autofree char *reply =
      hookrun_layout_ask (self, cancellable, error, (const char *const[]){what, NULL});

  if (reply == NULL)
    return NULL;
  if (reply[0] != '\0' && !g_str_equal (reply, "-"))
    return g_steal_pointer (&reply);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "target \"%s\": %s has no %s release",
               hookrun_target_get_name (self->target), self->folder, what);
  return NULL;
}

/**
 * hookrun_layout_get_current:
 * @self: an open layout
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Asks which release is live. Errors: %HOOKRUN_ERROR_NOT_FOUND when none is; those of
 * [method@Hookrun.Layout.get_state].
 *
 * Returns: (transfer full): its name
 *
 * Since: 1.0
 */
char *
hookrun_layout_get_current (HookrunLayout *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), NULL);

  return ask_name (self, "current", cancellable, error);
}

/**
 * hookrun_layout_get_previous:
 * @self: an open layout
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Asks which confirmed release was live before the present one: where a rollback goes, by
 * [method@Hookrun.Layout.switch] and [method@Hookrun.Layout.confirm]. Errors:
 * %HOOKRUN_ERROR_NOT_FOUND when there is none; those of [method@Hookrun.Layout.get_state].
 *
 * Returns: (transfer full): its name
 *
 * Since: 1.0
 */
char *
hookrun_layout_get_previous (HookrunLayout *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), NULL);

  return ask_name (self, "previous", cancellable, error);
}

/**
 * hookrun_layout_list_releases:
 * @self: an open layout
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Lists the releases that the target has, sorted by name, unfinished ones among them. Errors: those
 * of [method@Hookrun.Layout.get_state].
 *
 * Returns: (transfer full) (array zero-terminated=1): their names
 *
 * Since: 1.0
 */
char **
hookrun_layout_list_releases (HookrunLayout *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *reply = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), NULL);

  reply = hookrun_layout_ask (self, cancellable, error, (const char *const[]){"list", NULL});
  return reply != NULL ? g_strsplit (reply, "\n", -1) : NULL;
}

/**
 * hookrun_layout_read_record:
 * @self: an open layout
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Reads what [method@Hookrun.Layout.confirm] recorded last. Errors: %HOOKRUN_ERROR_NOT_FOUND when
 * nothing was recorded yet; %HOOKRUN_ERROR_INVALID when the record is no JSON; those of
 * [method@Hookrun.Layout.get_state].
 *
 * Returns: (transfer full): the record
 *
 * Since: 1.0
 */
JsonNode *
hookrun_layout_read_record (HookrunLayout *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *reply = NULL;
  g_autofree char *what = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), NULL);

  reply = hookrun_layout_ask (self, cancellable, error, (const char *const[]){"record", NULL});
  if (reply == NULL)
    return NULL;
  what = g_strdup_printf ("%s/.hookrun/deployed.json of target \"%s\"", self->folder,
                          hookrun_target_get_name (self->target));
  if (reply[0] != '\0')
    return hookrun_json_parse (reply, strlen (reply), NULL, what, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no %s yet", what);
  return NULL;
}
