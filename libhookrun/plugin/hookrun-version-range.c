/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions of plugins and the ranges of them that others require. */
#include "hookrun-version-range-private.h"

#include <string.h>

#define MAX_LENGTH 64

gboolean
hookrun_plugin_version_is_valid (const char *version)
{
  gsize length = strlen (version);

  return length <= MAX_LENGTH && g_ascii_isdigit (version[0]) &&
         strspn (version, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-~+") ==
             length;
}

/* Compares numbers of any length: without leading zeros the longer one is larger. */
static int
compare_digits (const char *a, gsize length_a, const char *b, gsize length_b)
{
  while (length_a > 0 && *a == '0')
    a++, length_a--;
  while (length_b > 0 && *b == '0')
    b++, length_b--;
  if (length_a != length_b)
    return length_a < length_b ? -1 : 1;
  return memcmp (a, b, length_a);
}

static gsize
count_digits (const char *text)
{
  return strspn (text, "0123456789");
}

/* Takes one number and the dot behind it, if another number follows that. */
static gsize
take_number (const char **at)
{
  gsize length = count_digits (*at);

  *at += length;
  if (length > 0 && (*at)[0] == '.' && g_ascii_isdigit ((*at)[1]))
    (*at)++;
  return length;
}

/* The rest behind the numbers: runs of digits compare as numbers, all else as text. */
static int
compare_suffix (const char *a, const char *b)
{
  while (*a != '\0' && *b != '\0') {
    gsize digits_a = count_digits (a);
    gsize digits_b = count_digits (b);
    int order;

    if (digits_a > 0 && digits_b > 0) {
      order = compare_digits (a, digits_a, b, digits_b);
      a += digits_a;
      b += digits_b;
    } else {
      order = (guchar)*a++ - (guchar)*b++;
    }
    if (order != 0)
      return order;
  }
  return (*a != '\0') - (*b != '\0');
}

int
hookrun_plugin_version_compare (const char *a, const char *b)
{
  gboolean release_a;
  gboolean release_b;

  while (g_ascii_isdigit (*a) || g_ascii_isdigit (*b)) {
    const char *start_a = a;
    const char *start_b = b;
    gsize length_a = take_number (&a);
    gsize length_b = take_number (&b);
    int order = compare_digits (start_a, length_a, start_b, length_b);

    if (order != 0)
      return order;
  }
  release_a = *a == '\0' || *a == '+';
  release_b = *b == '\0' || *b == '+';
  if (release_a || release_b)
    return release_a - release_b;
  return compare_suffix (a, b);
}

typedef enum {
  LESS = 1 << 0,
  EQUAL = 1 << 1,
  GREATER = 1 << 2,
} Accepts;

static const struct {
  const char *word;
  Accepts accepts;
} operators[] = {
    {">=", GREATER | EQUAL}, {"<=", LESS | EQUAL}, {"!=", LESS | GREATER}, {"==", EQUAL},
    {">", GREATER},          {"<", LESS},          {"=", EQUAL},
};

/* Takes one comparison from @at. FALSE at the end of the range or, with @problem, where it is
 * malformed. */
static gboolean
take_comparison (const char **at, Accepts *accepts, char version[MAX_LENGTH + 1],
                 const char **problem)
{
  gsize length;

  *at += strspn (*at, " \t,");
  if (**at == '\0')
    return FALSE;
  *accepts = EQUAL;
  for (gsize i = 0; i < G_N_ELEMENTS (operators); i++)
    if (g_str_has_prefix (*at, operators[i].word)) {
      *accepts = operators[i].accepts;
      *at += strlen (operators[i].word);
      break;
    }
  *at += strspn (*at, " \t");
  length = strcspn (*at, " \t,<>=!");
  if (length == 0 || length > MAX_LENGTH) {
    *problem = *at;
    return FALSE;
  }
  memcpy (version, *at, length);
  version[length] = '\0';
  if (g_str_equal (version, "*")) {
    *accepts = LESS | EQUAL | GREATER;
  } else if (!hookrun_plugin_version_is_valid (version)) {
    *problem = *at;
    return FALSE;
  }
  *at += length;
  return TRUE;
}

gboolean
hookrun_version_range_check (const char *range, GError **error)
{
  char version[MAX_LENGTH + 1];
  const char *problem = NULL;
  const char *at = range;
  Accepts accepts;

  while (take_comparison (&at, &accepts, version, &problem))
    ;
  if (problem == NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "range \"%s\" is malformed at \"%.20s\"; write comparisons such as \">=1.2 <2\"",
               range, problem);
  return FALSE;
}

gboolean
hookrun_version_range_contains (const char *range, const char *version)
{
  char bound[MAX_LENGTH + 1];
  const char *problem = NULL;
  Accepts accepts;

  while (take_comparison (&range, &accepts, bound, &problem)) {
    int order;

    if (g_str_equal (bound, "*"))
      continue;
    order = hookrun_plugin_version_compare (version, bound);
    if (((order < 0 ? LESS : order > 0 ? GREATER : EQUAL) & accepts) == 0)
      return FALSE;
  }
  return problem == NULL;
}
