/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sorted rows that a policy is made of: paths, sockets, ports, variables, each of them once. */
#include "hookrun-policy-private.h"

#include <string.h>

static void
grant_free (gpointer data)
{
  HookrunGrant *grant = data;

  g_free (grant->path);
  g_free (grant);
}

void
hookrun_variable_free (gpointer data)
{
  HookrunVariable *variable = data;

  g_free (variable->name);
  g_free (variable->value);
  g_free (variable);
}

/* Where @name is, or is to be inserted, in rows that begin with a name and are sorted by it. */
static gboolean
find_row (GPtrArray *rows, const char *name, guint *place)
{
  guint low = 0;
  guint high = rows->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    int order = strcmp (*(char **)g_ptr_array_index (rows, middle), name);

    if (order == 0) {
      *place = middle;
      return TRUE;
    }
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *place = low;
  return FALSE;
}

GPtrArray *
hookrun_grants_new (void)
{
  return g_ptr_array_new_with_free_func (grant_free);
}

void
hookrun_grants_add (GPtrArray *grants, const char *path, HookrunAccess access, gboolean is_optional)
{
  HookrunGrant *grant;
  guint place;

  if (find_row (grants, path, &place)) {
    grant = g_ptr_array_index (grants, place);
    grant->access |= access;
    grant->is_optional = grant->is_optional && is_optional;
    return;
  }
  grant = g_new (HookrunGrant, 1);
  *grant = (HookrunGrant){g_strdup (path), access, is_optional};
  g_ptr_array_insert (grants, (int)place, grant);
}

void
hookrun_policy_add_variable (GPtrArray *variables, const char *name, const char *value)
{
  HookrunVariable *variable;
  guint place;

  if (find_row (variables, name, &place)) {
    variable = g_ptr_array_index (variables, place);
    g_free (variable->value);
    variable->value = g_strdup (value);
    return;
  }
  variable = g_new (HookrunVariable, 1);
  *variable = (HookrunVariable){g_strdup (name), g_strdup (value)};
  g_ptr_array_insert (variables, (int)place, variable);
}

void
hookrun_policy_add_port (GArray *ports, guint16 port)
{
  guint place = 0;

  while (place < ports->len && g_array_index (ports, guint16, place) < port)
    place++;
  if (place == ports->len || g_array_index (ports, guint16, place) != port)
    g_array_insert_val (ports, place, port);
}

void
hookrun_policy_add_socket (GPtrArray *sockets, const char *path)
{
  guint place = 0;

  while (place < sockets->len && strcmp (g_ptr_array_index (sockets, place), path) < 0)
    place++;
  if (place == sockets->len || strcmp (g_ptr_array_index (sockets, place), path) != 0)
    g_ptr_array_insert (sockets, (int)place, g_strdup (path));
}
