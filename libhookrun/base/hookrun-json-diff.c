/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The merge patch between two objects: what a process sends back of data that it was given and has
 * changed.
 */
#include "hookrun-json-private.h"

static gboolean
has_null_member (JsonNode *node)
{
  JsonObjectIter iter;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, NULL, &member))
    if (JSON_NODE_HOLDS_NULL (member) || has_null_member (member))
      return TRUE;
  return FALSE;
}

static gboolean
refuse (const char *name, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%.64s\" was set to null, or to an object with a null in it, which a merge patch "
               "cannot say; leave the key out instead",
               name);
  return FALSE;
}

/* Adds to @patch what makes @after of @before (nullable) at @name. The depth is that of what was
 * parsed with a limit, or made by a program. */
static gboolean
add_change (JsonObject *patch, const char *name, JsonNode *before, JsonNode *after, GError **error)
{
  JsonNode *inner;

  if (before != NULL && json_node_equal (before, after))
    return TRUE;
  if (before != NULL && JSON_NODE_HOLDS_OBJECT (before) && JSON_NODE_HOLDS_OBJECT (after)) {
    inner = hookrun_json_diff (before, after, error);
    if (inner == NULL)
      return FALSE;
    json_object_set_member (patch, name, inner);
    return TRUE;
  }
  if (JSON_NODE_HOLDS_NULL (after) || has_null_member (after))
    return refuse (name, error);
  json_object_set_member (patch, name, json_node_ref (after));
  return TRUE;
}

JsonNode *
hookrun_json_diff (JsonNode *before, JsonNode *after, GError **error)
{
  JsonObject *old = json_node_get_object (before);
  JsonObject *new = json_node_get_object (after);
  g_autoptr (JsonObject) patch = json_object_new ();
  JsonNode *node;
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  json_object_iter_init (&iter, old);
  while (json_object_iter_next (&iter, &name, &member))
    if (!json_object_has_member (new, name))
      json_object_set_null_member (patch, name);
  json_object_iter_init (&iter, new);
  while (json_object_iter_next (&iter, &name, &member))
    if (!add_change (patch, name, json_object_get_member (old, name), member, error))
      return NULL;
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, patch);
  return node;
}
