/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GTypes of the enumerations of watching, for bindings, and their words. */
#include "hookrun-change-private.h"
#include "hookrun-watcher.h"

#include <string.h>

#define ROW(name, nick)                                                                            \
  {                                                                                                \
    HOOKRUN_##name, "HOOKRUN_" #name, nick                                                         \
  }

static const GFlagsValue kinds[] = {
    ROW (CHANGE_NONE, "none"),
    ROW (CHANGE_CREATED, "created"),
    ROW (CHANGE_CHANGED, "changed"),
    ROW (CHANGE_ATTRIBUTES, "attributes"),
    ROW (CHANGE_REMOVED, "removed"),
    ROW (CHANGE_MOVED, "moved"),
    ROW (CHANGE_OVERFLOW_BEGIN, "overflow-begin"),
    ROW (CHANGE_OVERFLOW_END, "overflow-end"),
    ROW (CHANGE_ROOT_GONE, "root-gone"),
    ROW (CHANGE_ROOT_BACK, "root-back"),
    ROW (CHANGE_ALL, "all"),
    {0, NULL, NULL},
};

GType
hookrun_change_kind_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("HookrunChangeKind", kinds));
  return type;
}

GType
hookrun_watch_flags_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GFlagsValue values[] = {
        ROW (WATCH_NONE, "none"),
        ROW (WATCH_RECURSIVE, "recursive"),
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_flags_register_static ("HookrunWatchFlags", values));
  }
  return type;
}

/**
 * hookrun_change_kind_get_name:
 * @kind: one kind
 *
 * Gets the word for a kind, as programs print it.
 *
 * Returns: (transfer none): the word; `none` for what is not one kind
 *
 * Since: 1.0
 */
const char *
hookrun_change_kind_get_name (HookrunChangeKind kind)
{
  for (gsize i = 0; kinds[i].value_nick != NULL; i++)
    if (kinds[i].value == (guint)kind)
      return kinds[i].value_nick;
  return "none";
}

/**
 * hookrun_change_kind_from_name:
 * @name: a word
 *
 * Finds the kind for a word.
 *
 * Returns: the kind, %HOOKRUN_CHANGE_ALL for `all`; %HOOKRUN_CHANGE_NONE if there is none
 *
 * Since: 1.0
 */
HookrunChangeKind
hookrun_change_kind_from_name (const char *name)
{
  g_return_val_if_fail (name != NULL, HOOKRUN_CHANGE_NONE);
  for (gsize i = 0; kinds[i].value_nick != NULL; i++)
    if (strcmp (kinds[i].value_nick, name) == 0)
      return (HookrunChangeKind)kinds[i].value;
  return HOOKRUN_CHANGE_NONE;
}
