/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits by name, and their values as people write them: "30s", "512M", "100". */
#include "hookrun-policy-private.h"
#include "hookrun-nearest-private.h"

#include <string.h>

typedef struct {
  const char *name;
  guint64 factor;
} Suffix;

/* The first of equal factors is the one that is written. */
static const Suffix time_suffixes[] = {
    {"h", 3600 * 1000}, {"min", 60 * 1000}, {"s", 1000}, {"ms", 1}, {NULL, 0},
};
static const Suffix size_suffixes[] = {
    {"T", (guint64)1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"B", 1}, {NULL, 0},
};
static const Suffix count_suffixes[] = {{"", 1}, {NULL, 0}};

static const struct {
  const char *name;
  const Suffix *suffixes;
  const char *example;
} table[HOOKRUN_N_LIMITS] = {
    [HOOKRUN_LIMIT_NONE] = {"none", count_suffixes, ""},
    [HOOKRUN_LIMIT_WALL] = {"wall", time_suffixes, "30s"},
    [HOOKRUN_LIMIT_CPU] = {"cpu", time_suffixes, "10s"},
    [HOOKRUN_LIMIT_MEMORY] = {"memory", size_suffixes, "512M"},
    [HOOKRUN_LIMIT_PROCESSES] = {"processes", count_suffixes, "32"},
    [HOOKRUN_LIMIT_FILE_SIZE] = {"file-size", size_suffixes, "64M"},
    [HOOKRUN_LIMIT_DISK] = {"disk", size_suffixes, "1G"},
    [HOOKRUN_LIMIT_DESCRIPTORS] = {"descriptors", count_suffixes, "256"},
};

const char *const *
hookrun_limit_words (void)
{
  static const char *const words[] = {"none",      "wall", "cpu",         "memory", "processes",
                                      "file-size", "disk", "descriptors", NULL};

  G_STATIC_ASSERT (G_N_ELEMENTS (words) == HOOKRUN_N_LIMITS + 1);
  return words;
}

/**
 * hookrun_limit_get_name:
 * @limit: a limit
 *
 * Gets the word for a limit, as JSON and command lines have it: `wall`, `cpu`, `memory`,
 * `processes`, `file-size`, `disk`, `descriptors`; `none` for %HOOKRUN_LIMIT_NONE.
 *
 * Returns: (transfer none): its name
 *
 * Since: 1.0
 */
const char *
hookrun_limit_get_name (HookrunLimit limit)
{
  g_return_val_if_fail ((guint)limit < HOOKRUN_N_LIMITS, NULL);
  return table[limit].name;
}

/**
 * hookrun_limit_format:
 * @limit: which limit
 * @value: milliseconds, bytes or a count, as the limit has it
 *
 * Writes a value the way people do, exactly: the largest unit that leaves no rest.
 *
 * Returns: (transfer full): text such as `30s` or `512M`
 *
 * Since: 1.0
 */
char *
hookrun_limit_format (HookrunLimit limit, guint64 value)
{
  const Suffix *suffix;

  g_return_val_if_fail ((guint)limit < HOOKRUN_N_LIMITS, NULL);
  for (suffix = table[limit].suffixes; suffix[1].name != NULL; suffix++)
    if (value > 0 && value % suffix->factor == 0)
      break;
  return g_strdup_printf ("%" G_GUINT64_FORMAT "%s", value / suffix->factor, suffix->name);
}

static gboolean
refuse_value (HookrunLimit limit, const char *text, GError **error)
{
  g_autoptr (GString) units = g_string_new (NULL);

  for (const Suffix *suffix = table[limit].suffixes; suffix->name != NULL; suffix++)
    if (*suffix->name != '\0')
      g_string_append_printf (units, "%s%s", units->len > 0 ? ", " : "", suffix->name);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%.40s\" is no value for the limit \"%s\": write a whole number from 1 on%s%s, "
               "for example \"%s\"",
               text, table[limit].name, units->len > 0 ? " and a unit of " : "", units->str,
               table[limit].example);
  return FALSE;
}

gboolean
hookrun_limit_parse_value (HookrunLimit limit, const char *text, guint64 *value, GError **error)
{
  const Suffix *suffix = table[limit].suffixes;
  char *rest = NULL;
  guint64 number;

  if (!g_ascii_isdigit (*text))
    return refuse_value (limit, text, error);
  number = g_ascii_strtoull (text, &rest, 10);
  while (suffix->name != NULL && strcmp (suffix->name, rest) != 0)
    suffix++;
  if (suffix->name == NULL || number == 0 || number > G_MAXINT64 / suffix->factor)
    return refuse_value (limit, text, error);
  *value = number * suffix->factor;
  return TRUE;
}

/**
 * hookrun_limit_parse:
 * @text: a name, `=` and a value with its unit, such as `memory=512M`, `wall=30s`, `processes=20`
 * @limit: (out): the limit
 * @value: (out): milliseconds, bytes or a count
 *
 * Reads a limit as a command line has it. Units of time are `ms`, `s`, `min` and `h`, those of size
 * `B`, `K`, `M`, `G` and `T`, each 1024 times the one before it.
 *
 * Returns: %TRUE, or %FALSE with %HOOKRUN_ERROR_INVALID
 *
 * Since: 1.0
 */
gboolean
hookrun_limit_parse (const char *text, HookrunLimit *limit, guint64 *value, GError **error)
{
  const char *equals;
  g_autofree char *name = NULL;
  g_autofree char *hint = NULL;

  g_return_val_if_fail (text != NULL && limit != NULL && value != NULL, FALSE);
  equals = strchr (text, '=');
  name = equals != NULL ? g_strndup (text, (gsize)(equals - text)) : g_strdup (text);
  for (guint i = 1; equals != NULL && i < HOOKRUN_N_LIMITS; i++)
    if (strcmp (table[i].name, name) == 0) {
      *limit = (HookrunLimit)i;
      return hookrun_limit_parse_value (*limit, equals + 1, value, error);
    }
  hint = hookrun_nearest_hint (name, hookrun_limit_words () + 1);
  if (equals == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%.60s\" is no limit: write NAME=VALUE, for example memory=512M", text);
  else
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "there is no limit \"%.40s\"%s", name,
                 hint);
  return FALSE;
}
