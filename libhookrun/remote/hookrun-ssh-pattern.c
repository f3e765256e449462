/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Patterns of host names. GLib's matcher takes UTF-8 only and fnmatch(3) reads brackets, which a
 * host with a port is written in; these lines come from files of others and may hold any bytes.
 */
#include "hookrun-ssh-pattern-private.h"

#include <string.h>

gboolean
hookrun_ssh_pattern_match (const char *pattern, const char *name)
{
  const char *star = NULL; /* the last "*" seen; what follows it is tried from @from on */
  const char *from = NULL;

  while (*name != '\0') {
    if (*pattern == '*') {
      star = pattern++;
      from = name;
    } else if (*pattern == *name || *pattern == '?') {
      pattern++;
      name++;
    } else if (star != NULL) {
      pattern = star + 1;
      name = ++from;
    } else {
      return FALSE;
    }
  }
  return pattern[strspn (pattern, "*")] == '\0';
}

int
hookrun_ssh_pattern_match_list (const char *list, const char *name)
{
  g_auto (GStrv) patterns = g_strsplit (list, ",", -1);
  int matched = 0;

  for (guint i = 0; patterns[i] != NULL; i++) {
    gboolean negated = patterns[i][0] == '!';
    const char *pattern = patterns[i] + (negated ? 1 : 0);

    if (*pattern == '\0' || !hookrun_ssh_pattern_match (pattern, name))
      continue;
    if (negated)
      return -1;
    matched = 1;
  }
  return matched;
}
