/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GTypes of the enumerations of data and signals, for bindings. */
#include "hookrun-registry.h"

#define ROW(name, nick)                                                                            \
  {                                                                                                \
    HOOKRUN_##name, "HOOKRUN_" #name, nick                                                         \
  }

GType
hookrun_field_type_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        ROW (FIELD_STRING, "string"), ROW (FIELD_BOOLEAN, "boolean"),
        ROW (FIELD_INT, "int"),       ROW (FIELD_DOUBLE, "double"),
        ROW (FIELD_STRV, "strv"),     ROW (FIELD_JSON, "json"),
        ROW (FIELD_OBJECT, "object"), {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunFieldType", values));
  }
  return type;
}

GType
hookrun_field_flags_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GFlagsValue values[] = {
        ROW (FIELD_NONE, "none"),           ROW (FIELD_REQUIRED, "required"),
        ROW (FIELD_READ_ONLY, "read-only"), ROW (FIELD_TEMPLATE, "template"),
        ROW (FIELD_SECRET, "secret"),       {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_flags_register_static ("HookrunFieldFlags", values));
  }
  return type;
}

GType
hookrun_verdict_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        ROW (CONTINUE, "continue"), ROW (HANDLED, "handled"), ROW (FAILED, "failed"),
        ROW (PENDING, "pending"),   {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunVerdict", values));
  }
  return type;
}

GType
hookrun_signal_flags_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GFlagsValue values[] = {
        ROW (SIGNAL_NONE, "none"),
        ROW (SIGNAL_COLLECT_ERRORS, "collect-errors"),
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_flags_register_static ("HookrunSignalFlags", values));
  }
  return type;
}
