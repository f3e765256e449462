/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GTypes of the enumerations of policies, for bindings, and their words. */
#include "hookrun-policy-private.h"

#define ROW(name, nick)                                                                            \
  {                                                                                                \
    HOOKRUN_##name, "HOOKRUN_" #name, nick                                                         \
  }

GType
hookrun_access_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GFlagsValue values[] = {
        ROW (ACCESS_NONE, "none"),       ROW (ACCESS_READ, "read"), ROW (ACCESS_WRITE, "write"),
        ROW (ACCESS_EXECUTE, "execute"), ROW (ACCESS_ALL, "all"),   {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_flags_register_static ("HookrunAccess", values));
  }
  return type;
}

GType
hookrun_network_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        ROW (NETWORK_NONE, "none"),
        ROW (NETWORK_PORTS, "ports"),
        ROW (NETWORK_ALL, "all"),
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunNetwork", values));
  }
  return type;
}

GType
hookrun_tier_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        ROW (TIER_AUTO, "auto"),
        ROW (TIER_FAST, "fast"),
        ROW (TIER_STRONG, "strong"),
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunTier", values));
  }
  return type;
}

GType
hookrun_limit_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        ROW (LIMIT_NONE, "none"),
        ROW (LIMIT_WALL, "wall"),
        ROW (LIMIT_CPU, "cpu"),
        ROW (LIMIT_MEMORY, "memory"),
        ROW (LIMIT_PROCESSES, "processes"),
        ROW (LIMIT_FILE_SIZE, "file-size"),
        ROW (LIMIT_DISK, "disk"),
        ROW (LIMIT_DESCRIPTORS, "descriptors"),
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunLimit", values));
  }
  return type;
}

const char *const *
hookrun_tier_words (void)
{
  static const char *const words[] = {"auto", "fast", "strong", NULL};

  return words;
}
