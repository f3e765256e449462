/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader of ini files: one pass over the lines, no recursion, every fault told with its line.
 * GKeyFile does not serve: it knows no lines once it has read a file, stops at the first fault,
 * takes duplicates silently, and neither `key: value` nor values over several lines are in its
 * dialect.
 */
#include "hookrun-ini-private.h"

#include "hookrun-file-private.h"

#include <string.h>

typedef struct {
  HookrunIni *ini;
  HookrunFaults *faults;
  guint line;
  gsize indent;               /* of the section or key that is open */
  HookrunIniSection *section; /* NULL before the first and after a faulty header */
  HookrunIniKey *key;         /* NULL when its lines are skipped */
  GString *value;
  guint n_keys;
  gboolean in_key;         /* an indented line goes on with it */
  gboolean faulty_section; /* its keys are read but not complained about */
} Parser;

static void
key_free (gpointer data)
{
  HookrunIniKey *key = data;

  g_free (key->name);
  g_free (key->value);
  g_free (key);
}

static void
section_free (gpointer data)
{
  HookrunIniSection *section = data;

  g_free (section->name);
  g_hash_table_unref (section->by_name);
  g_ptr_array_unref (section->keys);
  g_free (section);
}

static HookrunIni *
ini_new (const char *file)
{
  HookrunIni *ini = g_new0 (HookrunIni, 1);

  ini->file = g_strdup (file);
  ini->sections = g_ptr_array_new_with_free_func (section_free);
  ini->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  return ini;
}

void
hookrun_ini_free (HookrunIni *ini)
{
  g_free (ini->file);
  g_hash_table_unref (ini->by_name);
  g_ptr_array_unref (ini->sections);
  g_free (ini);
}

G_GNUC_PRINTF (3, 4)
static void
add_fault (Parser *self, HookrunError code, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  if (!hookrun_faults_wants_more (self->faults)) {
    hookrun_faults_add (self->faults, code, "%s", "");
    return;
  }
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  hookrun_faults_add (self->faults, code, "%s line %u: %s", self->ini->file, self->line, text);
}

static gboolean
check_name_length (Parser *self, const char *kind, gsize length)
{
  if (length > 0 && length <= HOOKRUN_INI_MAX_NAME)
    return TRUE;
  if (length == 0)
    add_fault (self, HOOKRUN_ERROR_INVALID, "the %s has no name", kind);
  else
    add_fault (self, HOOKRUN_ERROR_LIMIT, "the name of the %s is longer than %d bytes", kind,
               HOOKRUN_INI_MAX_NAME);
  return FALSE;
}

/* The value of the open key is whole: its lines stop here. */
static void
close_key (Parser *self)
{
  if (self->key != NULL)
    self->key->value = g_strndup (self->value->str, self->value->len);
  self->key = NULL;
  self->in_key = FALSE;
  g_string_truncate (self->value, 0);
}

static void
open_section (Parser *self, char *name)
{
  HookrunIniSection *section;
  const HookrunIniSection *present = g_hash_table_lookup (self->ini->by_name, name);

  if (present != NULL) {
    add_fault (self, HOOKRUN_ERROR_INVALID,
               "section [%s] is there already, in line %u; put the keys of both into one", name,
               present->line);
    g_free (name);
    return;
  }
  section = g_new0 (HookrunIniSection, 1);
  section->name = name;
  section->line = self->line;
  section->keys = g_ptr_array_new_with_free_func (key_free);
  section->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  g_ptr_array_add (self->ini->sections, section);
  g_hash_table_insert (self->ini->by_name, section->name, section);
  self->section = section;
  self->faulty_section = FALSE;
}

/* @text begins with "[". */
static void
take_section (Parser *self, const char *text)
{
  const char *end = strchr (text, ']');
  const char *rest;
  g_autofree char *name = NULL;

  self->section = NULL;
  self->faulty_section = TRUE;
  if (end == NULL) {
    g_autofree char *excerpt = hookrun_excerpt (text);

    add_fault (self, HOOKRUN_ERROR_INVALID, "section \"%s\" is not closed; write \"]\" at its end",
               excerpt);
    return;
  }
  name = g_strstrip (g_strndup (text + 1, (gsize)(end - text - 1)));
  if (!check_name_length (self, "section", strlen (name)))
    return;
  rest = end + 1 + strspn (end + 1, " \t");
  if (*rest != '\0' && *rest != '#' && *rest != ';') {
    g_autofree char *excerpt = hookrun_excerpt (rest);

    add_fault (self, HOOKRUN_ERROR_INVALID,
               "\"%s\" follows section [%s] on its line; give it a line of its own", excerpt, name);
    return;
  }
  open_section (self, g_steal_pointer (&name));
}

static HookrunIniKey *
add_key (Parser *self, char *name)
{
  HookrunIniKey *key;
  const HookrunIniKey *present = g_hash_table_lookup (self->section->by_name, name);

  if (present != NULL) {
    add_fault (self, HOOKRUN_ERROR_INVALID,
               "key \"%s\" is in section [%s] already, in line %u; keep one of them", name,
               self->section->name, present->line);
    g_free (name);
    return NULL;
  }
  key = g_new0 (HookrunIniKey, 1);
  key->name = name;
  key->line = self->line;
  g_ptr_array_add (self->section->keys, key);
  g_hash_table_insert (self->section->by_name, key->name, key);
  self->n_keys++;
  return key;
}

static void
take_key (Parser *self, const char *text)
{
  gsize length = strcspn (text, "=:");
  g_autofree char *name = NULL;

  self->in_key = TRUE;
  if (text[length] == '\0') {
    g_autofree char *excerpt = hookrun_excerpt (text);

    add_fault (self, HOOKRUN_ERROR_INVALID,
               "\"%s\" is neither a section nor a key; write \"key = value\"", excerpt);
    return;
  }
  name = g_strndup (text, length);
  g_strchomp (name);
  if (!check_name_length (self, "key", strlen (name)))
    return;
  if (self->section == NULL) {
    if (!self->faulty_section)
      add_fault (self, HOOKRUN_ERROR_INVALID,
                 "key \"%s\" stands before the first section; put a line like [project] or "
                 "[module] above it",
                 name);
    return;
  }
  for (char *c = name; *c != '\0'; c++)
    *c = g_ascii_tolower (*c);
  self->key = add_key (self, g_steal_pointer (&name));
  text += length + 1;
  g_string_assign (self->value, text + strspn (text, " \t"));
}

/* Another line of the open key's value. The limit of the file's size bounds the whole. */
static void
take_continuation (Parser *self, const char *text)
{
  if (self->value->len > 0)
    g_string_append_c (self->value, '\n');
  g_string_append (self->value, text);
}

static gboolean
check_characters (Parser *self, const char *line, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    guchar c = (guchar)line[i];

    if ((c >= 0x20 || c == '\t') && c != 0x7f)
      continue;
    add_fault (self, HOOKRUN_ERROR_INVALID,
               "there is a control character (0x%02x) at byte %" G_GSIZE_FORMAT "; remove it", c,
               i + 1);
    return FALSE;
  }
  return TRUE;
}

/* FALSE when reading stops here. */
static gboolean
take_line (Parser *self, const char *line, gsize length)
{
  g_autofree char *text = NULL;
  gsize indent = 0;

  while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
    length--;
  while (indent < length && (line[indent] == ' ' || line[indent] == '\t'))
    indent++;
  if (indent == length || line[indent] == '#' || line[indent] == ';')
    return TRUE;
  if (length > HOOKRUN_INI_MAX_LINE) {
    add_fault (self, HOOKRUN_ERROR_LIMIT, "the line is longer than %d bytes", HOOKRUN_INI_MAX_LINE);
    return TRUE;
  }
  if (!check_characters (self, line, length))
    return TRUE;
  text = g_strndup (line + indent, length - indent);
  if (self->in_key && indent > self->indent) {
    take_continuation (self, text);
    return TRUE;
  }
  close_key (self);
  self->indent = indent;
  if (*text == '[')
    take_section (self, text);
  else if (self->n_keys < HOOKRUN_INI_MAX_KEYS)
    take_key (self, text);
  else
    add_fault (self, HOOKRUN_ERROR_LIMIT, "the file has more than %d keys", HOOKRUN_INI_MAX_KEYS);
  return self->n_keys < HOOKRUN_INI_MAX_KEYS || self->in_key || *text == '[';
}

static void
take_lines (Parser *self, const char *text, gsize length)
{
  const char *end = text + length;
  gboolean more = TRUE;

  while (more && text < end) {
    const char *stop = memchr (text, '\n', (gsize)(end - text));
    const char *next = stop != NULL ? stop + 1 : end;

    if (stop == NULL)
      stop = end;
    if (stop > text && stop[-1] == '\r')
      stop--;
    self->line++;
    more = take_line (self, text, (gsize)(stop - text));
    text = next;
  }
  close_key (self);
}

/* Names the line of the first byte that is not UTF-8. */
static gboolean
check_encoding (Parser *self, const char *text, gsize length)
{
  const char *bad = NULL;

  if (g_utf8_validate_len (text, length, &bad))
    return TRUE;
  self->line = 1;
  for (const char *c = text; c < bad; c++)
    if (*c == '\n')
      self->line++;
  if (*bad == '\0')
    add_fault (self, HOOKRUN_ERROR_INVALID, "there is a NUL byte; ini files are text");
  else
    add_fault (self, HOOKRUN_ERROR_INVALID, "byte 0x%02x is not UTF-8; save the file as UTF-8",
               (guint)(guchar)*bad);
  return FALSE;
}

HookrunIni *
hookrun_ini_parse (const char *text, gsize length, const char *file, HookrunFaults *faults)
{
  g_autoptr (GString) value = g_string_new (NULL);
  Parser self = {.ini = ini_new (file), .faults = faults, .value = value};

  if (length > HOOKRUN_INI_MAX_SIZE) {
    hookrun_faults_add (faults, HOOKRUN_ERROR_LIMIT, "%s is larger than %d bytes", file,
                        HOOKRUN_INI_MAX_SIZE);
    return self.ini;
  }
  if (!check_encoding (&self, text, length))
    return self.ini;
  /* the byte order mark that some editors write */
  if (length >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0) {
    text += 3;
    length -= 3;
  }
  take_lines (&self, text, length);
  return self.ini;
}

HookrunIni *
hookrun_ini_load_at (int folder_fd, const char *path, const char *file, HookrunFaults *faults)
{
  g_autoptr (GError) error = NULL;
  gsize length = 0;
  g_autofree char *text =
      hookrun_file_read_at (folder_fd, path, HOOKRUN_INI_MAX_SIZE, &length, &error);

  if (text == NULL) {
    hookrun_faults_add (faults, (HookrunError)error->code, "%s: %s", file, error->message);
    return NULL;
  }
  return hookrun_ini_parse (text, length, file, faults);
}

const HookrunIniSection *
hookrun_ini_get_section (const HookrunIni *ini, const char *name)
{
  return g_hash_table_lookup (ini->by_name, name);
}

const HookrunIniKey *
hookrun_ini_section_get_key (const HookrunIniSection *section, const char *key)
{
  g_autofree char *name = g_ascii_strdown (key, -1);

  return g_hash_table_lookup (section->by_name, name);
}

const HookrunIniKey *
hookrun_ini_get_key (const HookrunIni *ini, const char *section, const char *key)
{
  const HookrunIniSection *present = hookrun_ini_get_section (ini, section);

  return present != NULL ? hookrun_ini_section_get_key (present, key) : NULL;
}
