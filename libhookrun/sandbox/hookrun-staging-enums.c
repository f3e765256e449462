/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GTypes of the enumerations of staging, for bindings. */
#include "hookrun-staging-change.h"

#define ROW(name, nick)                                                                            \
  {                                                                                                \
    HOOKRUN_##name, "HOOKRUN_" #name, nick                                                         \
  }

GType
hookrun_staged_kind_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        ROW (STAGED_KIND_NONE, "none"),
        ROW (STAGED_KIND_FILE, "file"),
        ROW (STAGED_KIND_LINK, "link"),
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunStagedKind", values));
  }
  return type;
}

GType
hookrun_staging_answer_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        ROW (STAGING_ANSWER_ASK, "ask"),
        ROW (STAGING_ANSWER_APPLY, "apply"),
        ROW (STAGING_ANSWER_ALWAYS, "always"),
        ROW (STAGING_ANSWER_KEEP, "keep"),
        ROW (STAGING_ANSWER_DISCARD, "discard"),
        ROW (STAGING_ANSWER_NEVER, "never"),
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunStagingAnswer", values));
  }
  return type;
}
