/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A strict, iterative reader of JSON (RFC 8259) that builds nothing: it proves that a text is
 * small, shallow and well formed before json-glib's recursive parser sees it.
 */
#include "hookrun-json-private.h"

#include <math.h>
#include <string.h>

#define DEFAULT_MAX_SIZE (16 * 1024 * 1024)

typedef enum {
  EXPECT_VALUE,
  EXPECT_VALUE_OR_END, /* after "[" */
  EXPECT_KEY,
  EXPECT_KEY_OR_END, /* after "{" */
  EXPECT_COLON,
  EXPECT_COMMA_OR_END,
  EXPECT_NOTHING, /* after the outermost value */
} Expect;

typedef struct {
  const char *start;
  const char *at;
  const char *end;
  const char *problem;
} Reader;

static gboolean
fail (Reader *reader, const char *problem)
{
  reader->problem = problem;
  return FALSE;
}

/* Reads the four digits after "\\u". */
static gboolean
read_code_unit (Reader *reader, guint *unit)
{
  *unit = 0;
  for (int i = 0; i < 4; i++, reader->at++) {
    if (reader->at == reader->end || !g_ascii_isxdigit (*reader->at))
      return fail (reader, "\\u needs four hexadecimal digits");
    *unit = *unit * 16 + (guint)g_ascii_xdigit_value (*reader->at);
  }
  return TRUE;
}

/* Half a surrogate pair has no UTF-8, and U+0000 ends a C string: neither can be kept as it is. */
static gboolean
read_unicode_escape (Reader *reader)
{
  guint unit, low;

  if (!read_code_unit (reader, &unit))
    return FALSE;
  if (unit == 0)
    return fail (reader, "U+0000 inside a string");
  if (unit < 0xd800 || unit > 0xdfff)
    return TRUE;
  if (unit > 0xdbff || reader->end - reader->at < 2 || memcmp (reader->at, "\\u", 2) != 0)
    return fail (reader, "half a surrogate pair inside a string");
  reader->at += 2;
  if (!read_code_unit (reader, &low))
    return FALSE;
  return (low >= 0xdc00 && low <= 0xdfff) || fail (reader, "half a surrogate pair inside a string");
}

static gboolean
read_string (Reader *reader)
{
  reader->at++;
  while (reader->at < reader->end) {
    guchar c = (guchar)*reader->at++;

    if (c == '"')
      return TRUE;
    if (c < 0x20)
      return fail (reader, "control character inside a string");
    if (c != '\\')
      continue;
    if (reader->at == reader->end)
      break;
    c = (guchar)*reader->at++;
    if (c == 'u') {
      if (!read_unicode_escape (reader))
        return FALSE;
    } else if (strchr ("\"\\/bfnrt", c) == NULL || c == '\0') {
      return fail (reader, "unknown escape inside a string");
    }
  }
  return fail (reader, "string without an end");
}

static gboolean
read_digits (Reader *reader)
{
  const char *first = reader->at;

  while (reader->at < reader->end && g_ascii_isdigit (*reader->at))
    reader->at++;
  return reader->at > first || fail (reader, "digit expected in a number");
}

static gboolean
read_number_text (Reader *reader)
{
  if (*reader->at == '-')
    reader->at++;
  if (reader->at < reader->end && *reader->at == '0')
    reader->at++;
  else if (!read_digits (reader))
    return FALSE;
  if (reader->at < reader->end && *reader->at == '.') {
    reader->at++;
    if (!read_digits (reader))
      return FALSE;
  }
  if (reader->at < reader->end && (*reader->at == 'e' || *reader->at == 'E')) {
    reader->at++;
    if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
      reader->at++;
    return read_digits (reader);
  }
  return TRUE;
}

/* A number that a gint64 or a finite double cannot hold would be another number afterwards, or none
 * that JSON can write. */
static gboolean
read_number (Reader *reader)
{
  const char *first = reader->at;
  g_autofree char *text = NULL;

  if (!read_number_text (reader))
    return FALSE;
  if (reader->at - first <= 18 && memchr (first, 'e', (gsize)(reader->at - first)) == NULL &&
      memchr (first, 'E', (gsize)(reader->at - first)) == NULL)
    return TRUE;
  text = g_strndup (first, (gsize)(reader->at - first));
  if (strpbrk (text, ".eE"))
    return isfinite (g_ascii_strtod (text, NULL)) || fail (reader, "number out of range");
  return g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, NULL, NULL) ||
         fail (reader, "number out of range");
}

static gboolean
read_word (Reader *reader, const char *word)
{
  gsize length = strlen (word);

  if ((gsize)(reader->end - reader->at) < length || memcmp (reader->at, word, length) != 0)
    return fail (reader, "unknown word");
  reader->at += length;
  return TRUE;
}

static gboolean
read_scalar (Reader *reader)
{
  switch (*reader->at) {
  case '"':
    return read_string (reader);
  case 't':
    return read_word (reader, "true");
  case 'f':
    return read_word (reader, "false");
  case 'n':
    return read_word (reader, "null");
  default:
    if (*reader->at == '-' || g_ascii_isdigit (*reader->at))
      return read_number (reader);
    return fail (reader, "value expected");
  }
}

static Expect
after_value (guint depth)
{
  return depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA_OR_END;
}

static gboolean
is_closing (char c, char open)
{
  return (c == '}' && open == '{') || (c == ']' && open == '[');
}

/* One token; @stack holds the open brackets, one byte each. */
static gboolean
step (Reader *reader, GByteArray *stack, guint max_depth, Expect *expect)
{
  char c = *reader->at;
  char open = stack->len > 0 ? (char)stack->data[stack->len - 1] : '\0';

  if (is_closing (c, open) && (*expect == EXPECT_COMMA_OR_END || *expect == EXPECT_VALUE_OR_END ||
                               *expect == EXPECT_KEY_OR_END)) {
    reader->at++;
    g_byte_array_set_size (stack, stack->len - 1);
    *expect = after_value (stack->len);
    return TRUE;
  }
  switch (*expect) {
  case EXPECT_NOTHING:
    return fail (reader, "text after the end of the value");
  case EXPECT_COMMA_OR_END:
    if (c != ',')
      return fail (reader, "comma or closing bracket expected");
    reader->at++;
    *expect = open == '{' ? EXPECT_KEY : EXPECT_VALUE;
    return TRUE;
  case EXPECT_COLON:
    if (c != ':')
      return fail (reader, "colon expected");
    reader->at++;
    *expect = EXPECT_VALUE;
    return TRUE;
  case EXPECT_KEY:
  case EXPECT_KEY_OR_END:
    if (c != '"')
      return fail (reader, "key expected");
    *expect = EXPECT_COLON;
    return read_string (reader);
  case EXPECT_VALUE:
  case EXPECT_VALUE_OR_END:
    break;
  }
  if (c == '{' || c == '[') {
    if (stack->len >= max_depth)
      return fail (reader, "nested too deep");
    g_byte_array_append (stack, (const guint8 *)&c, 1);
    reader->at++;
    *expect = c == '{' ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return TRUE;
  }
  *expect = after_value (stack->len);
  return read_scalar (reader);
}

static void
set_problem (const Reader *reader, GError **error)
{
  guint line = 1;
  const char *line_start = reader->start;
  HookrunError code = g_str_equal (reader->problem, "nested too deep") ? HOOKRUN_ERROR_LIMIT
                                                                       : HOOKRUN_ERROR_INVALID;

  for (const char *p = reader->start; p < reader->at; p++)
    if (*p == '\n') {
      line++;
      line_start = p + 1;
    }
  g_set_error (error, HOOKRUN_ERROR, (int)code, "line %u, byte %" G_GSIZE_FORMAT ": %s%s", line,
               (gsize)(reader->at - line_start) + 1, reader->problem,
               code == HOOKRUN_ERROR_LIMIT ? "; make it flatter" : "");
}

static gboolean
check_size_and_encoding (const char *text, gsize length, gsize max_size, GError **error)
{
  const char *invalid = NULL;

  if (length > max_size) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "JSON of %" G_GSIZE_FORMAT " bytes exceeds the limit of %" G_GSIZE_FORMAT
                 "; make it shorter",
                 length, max_size);
    return FALSE;
  }
  if (!g_utf8_validate_len (text, length, &invalid)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "byte %" G_GSIZE_FORMAT " of the JSON is not UTF-8", (gsize)(invalid - text));
    return FALSE;
  }
  return TRUE;
}

gboolean
hookrun_json_check (const char *text, gsize length, const HookrunJsonLimits *limits, GError **error)
{
  gsize max_size = limits != NULL && limits->max_size > 0 ? limits->max_size : DEFAULT_MAX_SIZE;
  guint max_depth =
      limits != NULL && limits->max_depth > 0 ? limits->max_depth : HOOKRUN_JSON_MAX_DEPTH;
  g_autoptr (GByteArray) stack = NULL;
  Reader reader = {text, text, text + length, NULL};
  Expect expect = EXPECT_VALUE;

  if (!check_size_and_encoding (text, length, max_size, error))
    return FALSE;
  stack = g_byte_array_sized_new (max_depth);
  while (reader.problem == NULL) {
    while (reader.at < reader.end && strchr (" \t\r\n", *reader.at) != NULL && *reader.at != '\0')
      reader.at++;
    if (reader.at == reader.end)
      break;
    if (!step (&reader, stack, max_depth, &expect))
      break;
  }
  if (reader.problem == NULL && expect != EXPECT_NOTHING)
    reader.problem = "unexpected end";
  if (reader.problem == NULL)
    return TRUE;
  set_problem (&reader, error);
  return FALSE;
}

JsonNode *
hookrun_json_parse (const char *text, gsize length, const HookrunJsonLimits *limits,
                    const char *what, GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) parse_error = NULL;

  if (!hookrun_json_check (text, length, limits, error)) {
    g_prefix_error (error, "%s: ", what);
    return NULL;
  }
  parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, text, (gssize)length, &parse_error)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s: %s", what, parse_error->message);
    return NULL;
  }
  return json_parser_steal_root (parser);
}
