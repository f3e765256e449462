/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks an ini file that was read against a table of known sections and keys. A key that is not
 * known is answered with the nearest that is; nothing a user wrote is silently without effect.
 */
#include "hookrun-module-private.h"

#include <fcntl.h>
#include <string.h>

#include "hookrun-nearest-private.h"
#include "hookrun-trust-private.h"

typedef struct {
  const HookrunIni *ini;
  const HookrunKeyRule *rules;
  gboolean has_guests;
  GHashTable *hosts;
  HookrunFaults *faults;
} Check;

/* The part of a section's name that a rule knows: all of it, or up to and with ":". */
static char *
kind_of_section (const char *name)
{
  const char *colon = strchr (name, ':');

  return colon != NULL ? g_strndup (name, (gsize)(colon + 1 - name)) : g_strdup (name);
}

/* Names of keys in section @kind, or of all kinds of sections when that is NULL. */
static char **
list_candidates (const Check *self, const char *kind)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  for (const HookrunKeyRule *rule = self->rules; rule->section != NULL; rule++)
    if (kind == NULL)
      g_strv_builder_add (list, rule->section);
    else if (rule->key != NULL && g_str_equal (rule->section, kind))
      g_strv_builder_add (list, rule->key);
  return g_strv_builder_end (list);
}

static void
tell_unknown_key (const Check *self, const char *section, const char *kind,
                  const HookrunIniKey *key)
{
  g_auto (GStrv) candidates = NULL;
  g_autofree char *hint = NULL;
  g_autofree char *known = NULL;

  if (!hookrun_faults_wants_more (self->faults)) {
    hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID, "%s", "");
    return;
  }
  candidates = list_candidates (self, kind);
  hint = hookrun_nearest_hint (key->name, (const char *const *)candidates);
  known = g_strjoinv (", ", candidates);
  hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID,
                      "%s line %u: \"%s\" is not a key of [%s]; it knows %s%s", self->ini->file,
                      key->line, key->name, section, known, hint);
}

static void
tell_unknown_host (const Check *self, const HookrunIniKey *key, const char *alias)
{
  g_autofree const char **aliases = NULL;
  g_autofree char *hint = NULL;

  if (!hookrun_faults_wants_more (self->faults)) {
    hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID, "%s", "");
    return;
  }
  aliases = (const char **)g_hash_table_get_keys_as_array (self->hosts, NULL);
  hint = hookrun_nearest_hint (alias, aliases);
  hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID,
                      "%s line %u: \"%s\" is meant for host \"%s\", which no [hosts] entry names; "
                      "add it or correct the name%s",
                      self->ini->file, key->line, key->name, alias, hint);
}

/* The alias in KEY-ALIAS when @name is that for @rule's key, else NULL. */
static const char *
alias_in_key (const HookrunKeyRule *rule, const char *name)
{
  gsize length = strlen (rule->key);

  if (!rule->per_host || !g_str_has_prefix (name, rule->key) || name[length] != '-')
    return NULL;
  return name + length + 1;
}

static void
check_value (const Check *self, const HookrunKeyRule *rule, const HookrunIniKey *key)
{
  g_autofree char *why = rule->check != NULL ? rule->check (key->value) : NULL;

  if (why != NULL)
    hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID, "%s line %u: \"%s\" %s",
                        self->ini->file, key->line, key->name, why);
}

static void
check_key (const Check *self, const char *section, const char *kind, const HookrunIniKey *key)
{
  const char *stranger = NULL;

  for (const HookrunKeyRule *rule = self->rules; rule->section != NULL; rule++) {
    const char *alias;

    if (!g_str_equal (rule->section, kind))
      continue;
    if (rule->key == NULL || g_str_equal (rule->key, key->name)) {
      check_value (self, rule, key);
      return;
    }
    alias = alias_in_key (rule, key->name);
    if (alias != NULL && g_hash_table_contains (self->hosts, alias)) {
      check_value (self, rule, key);
      return;
    }
    stranger = alias != NULL ? alias : stranger;
  }
  if (stranger != NULL)
    tell_unknown_host (self, key, stranger);
  else
    tell_unknown_key (self, section, kind, key);
}

static void
tell_unknown_section (const Check *self, const HookrunIniSection *section, char **kinds)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (char **kind = kinds; *kind != NULL; kind++)
    if (kind == kinds || !g_str_equal (*kind, kind[-1]))
      g_string_append_printf (known, "%s[%s]", known->len > 0 ? ", " : "", *kind);
  hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID,
                      "%s line %u: section [%s] is not known; this file has %s", self->ini->file,
                      section->line, section->name, known->str);
}

static void
check_section (const Check *self, const HookrunIniSection *section)
{
  g_autofree char *kind = kind_of_section (section->name);
  g_auto (GStrv) kinds = list_candidates (self, NULL);
  const char *nearest = hookrun_nearest (kind, (const char *const *)kinds);
  gboolean is_prefix = g_str_has_suffix (kind, ":");

  if (!g_strv_contains ((const char *const *)kinds, kind)) {
    if (nearest != NULL)
      hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID,
                          "%s line %u: section [%s] is not known; did you mean [%s%s]?",
                          self->ini->file, section->line, section->name, nearest,
                          g_str_has_suffix (nearest, ":") ? "NAME" : "");
    else if (!self->has_guests)
      tell_unknown_section (self, section, kinds);
    return;
  }
  if (is_prefix && section->name[strlen (kind)] == '\0') {
    hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID,
                        "%s line %u: section [%s] has no name after \":\"", self->ini->file,
                        section->line, section->name);
    return;
  }
  for (guint i = 0; i < section->keys->len; i++)
    check_key (self, section->name, kind, g_ptr_array_index (section->keys, i));
}

void
hookrun_ini_check (const HookrunIni *ini, const HookrunKeyRule *rules, gboolean has_guests,
                   GHashTable *hosts, HookrunFaults *faults)
{
  Check self = {ini, rules, has_guests, hosts, faults};

  for (guint i = 0; i < ini->sections->len; i++)
    check_section (&self, g_ptr_array_index (ini->sections, i));
}

HookrunIni *
hookrun_ini_load_trusted (const char *path, const char *file, HookrunFaults *faults)
{
  HookrunTrustedFolder folder = HOOKRUN_TRUSTED_FOLDER_INIT;
  g_autoptr (GError) error = NULL;
  struct stat st;

  hookrun_trust_check (&folder, path, &st, &error);
  hookrun_trusted_folder_clear (&folder);
  /* What else is wrong with it, reading it tells. */
  if (g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED)) {
    hookrun_faults_add (faults, HOOKRUN_ERROR_UNTRUSTED, "%s: %s", file, error->message);
    return NULL;
  }
  return hookrun_ini_load_at (AT_FDCWD, path, file, faults);
}
