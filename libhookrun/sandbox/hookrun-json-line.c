/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in a JSON text a value stands, so that a complaint about its meaning can name the line. The
 * text was checked before: nothing here looks at what is well formed. */
#include "hookrun-policy-private.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *at;
  const char *end;
  guint line;
} Place;

static void
skip_blanks (Place *place)
{
  while (place->at < place->end && strchr (" \t\r\n,:", *place->at) != NULL) {
    if (*place->at == '\n')
      place->line++;
    place->at++;
  }
}

/* Strings have no line breaks inside. */
static void
skip_string (Place *place)
{
  for (place->at++; place->at < place->end && *place->at != '"'; place->at++)
    if (*place->at == '\\' && place->at + 1 < place->end)
      place->at++;
  if (place->at < place->end)
    place->at++;
}

static void
skip_value (Place *place)
{
  guint depth = 0;

  do {
    skip_blanks (place);
    if (place->at >= place->end)
      return;
    if (*place->at == '"') {
      skip_string (place);
      continue;
    }
    if (strchr ("{[", *place->at) != NULL)
      depth++;
    if (strchr ("}]", *place->at) != NULL)
      depth--;
    if (strchr ("{}[]", *place->at) != NULL) {
      place->at++;
      continue;
    }
    while (place->at < place->end && strchr (" \t\r\n,:{}[]\"", *place->at) == NULL)
      place->at++;
  } while (depth > 0);
}

static gboolean
is_key (const char *start, const char *end, const char *key)
{
  gsize length = strlen (key);

  return (gsize)(end - start) == length + 2 && strncmp (start + 1, key, length) == 0;
}

/* Goes to the member @key of the object, or the element of that number of the list, at @place. */
static gboolean
enter (Place *place, const char *key)
{
  gboolean is_object;
  guint wanted = *key == '#' ? (guint)strtoul (key + 1, NULL, 10) : 0;

  skip_blanks (place);
  if (place->at >= place->end || strchr ("{[", *place->at) == NULL)
    return FALSE;
  is_object = *place->at++ == '{';
  for (guint i = 0;; i++) {
    skip_blanks (place);
    if (place->at >= place->end || strchr ("}]", *place->at) != NULL)
      return FALSE;
    if (is_object) {
      const char *start = place->at;
      gboolean found;

      skip_string (place);
      found = is_key (start, place->at, key);
      skip_blanks (place);
      if (found)
        return TRUE;
    } else if (*key == '#' && i == wanted) {
      return TRUE;
    }
    skip_value (place);
  }
}

guint
hookrun_json_find_line (const char *text, gsize length, const char *const *path)
{
  Place place = {text, text + length, 1};
  guint line;

  skip_blanks (&place);
  line = place.line;
  for (; *path != NULL && enter (&place, *path); path++)
    line = place.line;
  return line;
}
