/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy written as JSON: equal policies give equal text, and what says nothing is left out. */
#include "hookrun-policy-private.h"
#include "hookrun-json-private.h"

static void
write_paths (JsonObject *object, const char *key, HookrunPolicy *policy, HookrunAccess access)
{
  JsonArray *paths = json_array_new ();

  for (guint i = 0; i < policy->grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (policy->grants, i);
    HookrunAccess listed = grant->access;

    if ((listed & HOOKRUN_ACCESS_EXECUTE) != 0)
      listed &= ~(guint)HOOKRUN_ACCESS_READ;
    if ((listed & access) != 0)
      json_array_add_string_element (paths, grant->path);
  }
  if (json_array_get_length (paths) > 0)
    json_object_set_array_member (object, key, paths);
  else
    json_array_unref (paths);
}

static void
write_ports (JsonObject *object, const char *key, const GArray *ports)
{
  JsonArray *array;

  if (ports->len == 0)
    return;
  array = json_array_new ();
  for (guint i = 0; i < ports->len; i++)
    json_array_add_int_element (array, g_array_index (ports, guint16, i));
  json_object_set_array_member (object, key, array);
}

static void
write_network (JsonObject *object, HookrunPolicy *policy)
{
  JsonObject *ports;

  if (policy->network == HOOKRUN_NETWORK_ALL)
    json_object_set_string_member (object, "network", "all");
  if (policy->network != HOOKRUN_NETWORK_PORTS)
    return;
  ports = json_object_new ();
  write_ports (ports, "connect", policy->connect);
  write_ports (ports, "bind", policy->bind);
  json_object_set_object_member (object, "network", ports);
}

static void
write_sockets (JsonObject *object, HookrunPolicy *policy)
{
  JsonArray *array;

  if (policy->sockets->len == 0)
    return;
  array = json_array_new ();
  for (guint i = 0; i < policy->sockets->len; i++)
    json_array_add_string_element (array, g_ptr_array_index (policy->sockets, i));
  json_object_set_array_member (object, "sockets", array);
}

static void
write_environment (JsonObject *object, HookrunPolicy *policy)
{
  JsonArray *passed = json_array_new ();
  JsonObject *set = json_object_new ();
  JsonObject *environment = json_object_new ();

  for (guint i = 0; i < policy->variables->len; i++) {
    const HookrunVariable *variable = g_ptr_array_index (policy->variables, i);

    if (variable->value == NULL)
      json_array_add_string_element (passed, variable->name);
    else
      json_object_set_string_member (set, variable->name, variable->value);
  }
  if (json_array_get_length (passed) > 0)
    json_object_set_array_member (environment, "pass", json_array_ref (passed));
  if (json_object_get_size (set) > 0)
    json_object_set_object_member (environment, "set", json_object_ref (set));
  if (json_object_get_size (environment) > 0)
    json_object_set_object_member (object, "environment", json_object_ref (environment));
  json_array_unref (passed);
  json_object_unref (set);
  json_object_unref (environment);
}

static void
write_limits (JsonObject *object, HookrunPolicy *policy)
{
  JsonObject *limits = json_object_new ();

  for (guint i = 1; i < HOOKRUN_N_LIMITS; i++) {
    HookrunLimit limit = (HookrunLimit)i;
    g_autofree char *text = hookrun_limit_format (limit, policy->limits[i]);

    if (policy->limits[i] != 0)
      json_object_set_string_member (limits, hookrun_limit_get_name (limit), text);
  }
  if (json_object_get_size (limits) > 0)
    json_object_set_object_member (object, "limits", limits);
  else
    json_object_unref (limits);
}

/**
 * hookrun_policy_to_json:
 * @self: a policy
 *
 * Writes a policy as JSON. Equal policies give equal text.
 *
 * Returns: (transfer full): JSON on one line
 *
 * Since: 1.0
 */
char *
hookrun_policy_to_json (HookrunPolicy *self)
{
  JsonObject *object;
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  g_return_val_if_fail (self != NULL, NULL);
  object = json_object_new ();
  json_node_take_object (node, object);
  if (self->has_base)
    json_object_set_boolean_member (object, "base", TRUE);
  if (self->hides)
    json_object_set_boolean_member (object, "hide", TRUE);
  if (self->tier != HOOKRUN_TIER_AUTO)
    json_object_set_string_member (object, "tier", hookrun_tier_words ()[self->tier]);
  write_paths (object, "read", self, HOOKRUN_ACCESS_READ);
  write_paths (object, "write", self, HOOKRUN_ACCESS_WRITE);
  write_paths (object, "execute", self, HOOKRUN_ACCESS_EXECUTE);
  write_network (object, self);
  write_sockets (object, self);
  write_environment (object, self);
  write_limits (object, self);
  return hookrun_json_to_string (node);
}
