/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ini files as Porter's users wrote them (the dialect of Python's ConfigParser): sections, `key =
 * value` or `key: value`, comments, values that go on in indented lines. Each key keeps its line,
 * so that whoever checks a value later can name the place.
 */
#pragma once

#include "hookrun-faults-private.h"

G_BEGIN_DECLS

#define HOOKRUN_INI_MAX_SIZE (1024 * 1024)
#define HOOKRUN_INI_MAX_LINE 8192
#define HOOKRUN_INI_MAX_NAME 256
#define HOOKRUN_INI_MAX_KEYS 65536

typedef struct {
  char *name;  /* ASCII letters in lower case */
  char *value; /* no blanks at the ends; lines of a long value are joined by \n */
  guint line;
} HookrunIniKey;

typedef struct {
  char *name;
  guint line;
  GPtrArray *keys; /* HookrunIniKey, in the order of the file */
  GHashTable *by_name;
} HookrunIniSection;

typedef struct {
  char *file;          /* as messages name it */
  GPtrArray *sections; /* HookrunIniSection, in the order of the file */
  GHashTable *by_name;
} HookrunIni;

/* Never NULL: what could be read, with every fault added to @faults as `FILE line N: …`. */
HookrunIni *hookrun_ini_parse (const char *text, gsize length, const char *file,
                               HookrunFaults *faults);
/* The same for the file @path below @folder_fd. NULL (and a fault) when it cannot be read. */
HookrunIni *hookrun_ini_load_at (int folder_fd, const char *path, const char *file,
                                 HookrunFaults *faults);
void hookrun_ini_free (HookrunIni *ini);

/* NULL when there is none. Section names are exact, key names any case. */
const HookrunIniSection *hookrun_ini_get_section (const HookrunIni *ini, const char *name);
const HookrunIniKey *hookrun_ini_get_key (const HookrunIni *ini, const char *section,
                                          const char *key);
const HookrunIniKey *hookrun_ini_section_get_key (const HookrunIniSection *section,
                                                  const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunIni, hookrun_ini_free)

G_END_DECLS
