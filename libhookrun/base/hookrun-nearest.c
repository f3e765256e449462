/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The distance between two names is the least number of letters put in, left out, changed or
 * swapped with their neighbour (optimal string alignment; R. A. Wagner and R. Lowrance, 1975).
 */
#include "hookrun-nearest-private.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LENGTH 64

static guint
cell (const char *a, const char *b, gsize i, gsize j, guint rows[3][MAX_LENGTH + 1])
{
  char x = g_ascii_tolower (a[i - 1]);
  char y = g_ascii_tolower (b[j - 1]);
  guint best = MIN (rows[1][j], rows[2][j - 1]) + 1;

  best = MIN (best, rows[1][j - 1] + (x != y ? 1U : 0U));
  if (i > 1 && j > 1 && x == g_ascii_tolower (b[j - 2]) && y == g_ascii_tolower (a[i - 2]))
    best = MIN (best, rows[0][j - 2] + 1);
  return best;
}

/* rows[2] is the row in work, rows[1] the one before it, rows[0] the one before that. */
static guint
distance (const char *a, gsize a_length, const char *b, gsize b_length)
{
  guint rows[3][MAX_LENGTH + 1] = {{0}};

  for (gsize j = 0; j <= b_length; j++)
    rows[2][j] = (guint)j;
  for (gsize i = 1; i <= a_length; i++) {
    memmove (rows[0], rows[1], 2 * sizeof rows[0]);
    rows[2][0] = (guint)i;
    for (gsize j = 1; j <= b_length; j++)
      rows[2][j] = cell (a, b, i, j, rows);
  }
  return rows[2][b_length];
}

const char *
hookrun_nearest (const char *name, const char *const *candidates)
{
  gsize length = strlen (name);
  guint best = (guint)MAX (length / 3, 1) + 1;
  const char *nearest = NULL;

  if (length == 0 || length > MAX_LENGTH)
    return NULL;
  for (; *candidates != NULL; candidates++) {
    gsize other = strlen (*candidates);
    guint away;

    if (other > MAX_LENGTH || (gsize)labs ((long)other - (long)length) >= best)
      continue;
    away = distance (name, length, *candidates, other);
    if (away < best && away < MAX (other, length)) {
      best = away;
      nearest = *candidates;
    }
  }
  return nearest;
}

char *
hookrun_nearest_hint (const char *name, const char *const *candidates)
{
  const char *nearest = hookrun_nearest (name, candidates);

  return nearest != NULL ? g_strdup_printf ("; did you mean \"%s\"?", nearest) : g_strdup ("");
}
