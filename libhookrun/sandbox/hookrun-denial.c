/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a confined program was denied, as a value: counted, in words, and as JSON. */
#include "hookrun-denial-private.h"
#include "hookrun-policy-private.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (HookrunDenial, hookrun_denial, hookrun_denial_copy, hookrun_denial_free)

static const char *const kinds[] = {
    [HOOKRUN_DENIAL_PATH] = "path",       [HOOKRUN_DENIAL_CALL] = "call",
    [HOOKRUN_DENIAL_NETWORK] = "network", [HOOKRUN_DENIAL_SOCKET] = "socket",
    [HOOKRUN_DENIAL_LIMIT] = "limit",
};

GType
hookrun_denial_kind_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {HOOKRUN_DENIAL_PATH, "HOOKRUN_DENIAL_PATH", "path"},
        {HOOKRUN_DENIAL_CALL, "HOOKRUN_DENIAL_CALL", "call"},
        {HOOKRUN_DENIAL_NETWORK, "HOOKRUN_DENIAL_NETWORK", "network"},
        {HOOKRUN_DENIAL_SOCKET, "HOOKRUN_DENIAL_SOCKET", "socket"},
        {HOOKRUN_DENIAL_LIMIT, "HOOKRUN_DENIAL_LIMIT", "limit"},
        {0, NULL, NULL},
    };
    g_once_init_leave (&type, g_enum_register_static ("HookrunDenialKind", values));
  }
  return type;
}

HookrunDenial *
hookrun_denial_new (HookrunDenialKind kind, const char *object, const char *call, int problem)
{
  HookrunDenial *self = g_new0 (HookrunDenial, 1);

  self->kind = kind;
  self->object = g_utf8_make_valid (object, -1);
  self->call = g_strdup (call);
  self->problem = problem;
  self->count = 1;
  return self;
}

HookrunDenial *
hookrun_denial_new_for_limit (HookrunPolicy *policy, HookrunLimit limit, const char *call,
                              int problem)
{
  HookrunDenial *self =
      hookrun_denial_new (HOOKRUN_DENIAL_LIMIT, hookrun_limit_get_name (limit), call, problem);
  guint64 value = policy->limits[limit] != 0 ? policy->limits[limit] : 1024;

  self->remedy = hookrun_policy_new ();
  hookrun_policy_set_limit (self->remedy, limit, value > G_MAXINT64 / 2 ? value : value * 2);
  self->reason = g_strdup ("twice of what it has is a guess: how much it needs is not known");
  return self;
}

/**
 * hookrun_denial_copy:
 * @self: a denial
 *
 * Copies a denial.
 *
 * Returns: (transfer full): a copy; free it with [method@Hookrun.Denial.free]
 *
 * Since: 1.0
 */
HookrunDenial *
hookrun_denial_copy (const HookrunDenial *self)
{
  HookrunDenial *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = g_memdup2 (self, sizeof *self);
  copy->object = g_strdup (self->object);
  copy->call = g_strdup (self->call);
  copy->program = g_strdup (self->program);
  copy->reason = g_strdup (self->reason);
  copy->remedy = self->remedy != NULL ? hookrun_policy_copy (self->remedy) : NULL;
  return copy;
}

/**
 * hookrun_denial_free:
 * @self: (transfer full) (nullable): a denial
 *
 * Frees a denial.
 *
 * Since: 1.0
 */
void
hookrun_denial_free (HookrunDenial *self)
{
  if (self == NULL)
    return;
  g_free (self->object);
  g_free (self->call);
  g_free (self->program);
  g_free (self->reason);
  g_clear_pointer (&self->remedy, hookrun_policy_unref);
  g_free (self);
}

/* ---- many ---- */

GPtrArray *
hookrun_denials_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_denial_free);
}

static gboolean
has_same_remedy (const HookrunDenial *self, const HookrunDenial *other)
{
  if (self->remedy == NULL || other->remedy == NULL)
    return self->remedy == other->remedy;
  return hookrun_policy_equal (self->remedy, other->remedy);
}

/* Two ways to ask for one thing are one denial; a call has no object but itself. */
static gboolean
is_like (const HookrunDenial *self, const HookrunDenial *other)
{
  return self->kind == other->kind && self->has_other_way == other->has_other_way &&
         strcmp (self->object, other->object) == 0 && has_same_remedy (self, other);
}

void
hookrun_denials_take (GPtrArray *denials, HookrunDenial *denial)
{
  for (guint i = 0; i < denials->len; i++) {
    HookrunDenial *known = g_ptr_array_index (denials, i);

    if (!is_like (known, denial))
      continue;
    known->count += denial->count;
    hookrun_denial_free (denial);
    return;
  }
  if (denials->len < HOOKRUN_MAX_DENIALS)
    g_ptr_array_add (denials, denial);
  else
    hookrun_denial_free (denial);
}

/* ---- for people ---- */

/**
 * hookrun_denial_get_line:
 * @self: a denial
 *
 * Gets the line of a policy file that would allow it: `"read": ["/etc/hosts"]`.
 *
 * Returns: (transfer full) (nullable): a line without its end, or %NULL when there is none
 *
 * Since: 1.0
 */
char *
hookrun_denial_get_line (const HookrunDenial *self)
{
  g_autofree char *json = NULL;
  gsize length;

  g_return_val_if_fail (self != NULL, NULL);
  if (self->remedy == NULL)
    return NULL;
  json = hookrun_policy_to_json (self->remedy);
  length = strlen (json);
  return length > 2 ? g_strndup (json + 1, length - 2) : NULL;
}

static char *
describe_path (const HookrunDenial *self)
{
  static const struct {
    HookrunAccess access;
    const char *verb;
  } verbs[] = {
      {HOOKRUN_ACCESS_READ, "read"},
      {HOOKRUN_ACCESS_WRITE, "change"},
      {HOOKRUN_ACCESS_EXECUTE, "run"},
  };
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++) {
    gboolean implied =
        verbs[i].access == HOOKRUN_ACCESS_READ && (self->access & HOOKRUN_ACCESS_EXECUTE) != 0;

    if ((self->access & verbs[i].access) != 0 && !implied)
      g_string_append_printf (text, "%s%s", text->len > 0 ? " and " : "", verbs[i].verb);
  }
  g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "use ", self->object);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
describe_wish (const HookrunDenial *self)
{
  switch (self->kind) {
  case HOOKRUN_DENIAL_PATH:
    return describe_path (self);
  case HOOKRUN_DENIAL_NETWORK:
    return g_strdup_printf ("use the network (%s)", self->object);
  case HOOKRUN_DENIAL_SOCKET:
    return g_strdup_printf ("talk to a service (%s)", self->object);
  case HOOKRUN_DENIAL_LIMIT:
    return g_strdup_printf ("go beyond the limit \"%s\"", self->object);
  case HOOKRUN_DENIAL_CALL:
  default:
    return g_strdup_printf ("make the system call %s", self->object);
  }
}

/**
 * hookrun_denial_describe:
 * @self: a denial
 *
 * Says in plain words who wanted what: `cat wanted to read /etc/shadow`. Names in it are a
 * stranger's text and may contain control characters.
 *
 * Returns: (transfer full): words without a full stop
 *
 * Since: 1.0
 */
char *
hookrun_denial_describe (const HookrunDenial *self)
{
  g_autofree char *wish = NULL;

  g_return_val_if_fail (self != NULL, NULL);
  wish = describe_wish (self);
  return g_strdup_printf ("%s wanted to %s", self->program != NULL ? self->program : "it", wish);
}

/* ---- for programs ---- */

static void
set_text (JsonObject *object, const char *name, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, name, text);
  else
    json_object_set_null_member (object, name);
}

static JsonArray *
access_words (HookrunAccess access)
{
  JsonArray *words = json_array_new ();

  if ((access & HOOKRUN_ACCESS_READ) != 0)
    json_array_add_string_element (words, "read");
  if ((access & HOOKRUN_ACCESS_WRITE) != 0)
    json_array_add_string_element (words, "write");
  if ((access & HOOKRUN_ACCESS_EXECUTE) != 0)
    json_array_add_string_element (words, "execute");
  return words;
}

/**
 * hookrun_denial_to_json:
 * @self: a denial
 *
 * Writes a denial as a JSON object: `kind`, `object`, `access` (a list of words), `call`, `errno`
 * (0 when it was allowed), `program`, `count`, `other_way`, `policy` (an object as policy files
 * have it, or null), `reason` (or null).
 *
 * Returns: (transfer full): a JSON object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_denial_to_json (const HookrunDenial *self)
{
  JsonNode *node;
  JsonObject *object;
  JsonNode *policy = NULL;

  g_return_val_if_fail (self != NULL, NULL);
  node = json_node_new (JSON_NODE_OBJECT);
  object = json_object_new ();
  json_node_take_object (node, object);
  set_text (object, "kind", kinds[self->kind]);
  set_text (object, "object", self->object);
  json_object_set_array_member (object, "access", access_words (self->access));
  set_text (object, "call", self->call);
  json_object_set_int_member (object, "errno", self->problem);
  set_text (object, "program", self->program);
  json_object_set_int_member (object, "count", self->count);
  json_object_set_boolean_member (object, "other_way", self->has_other_way);
  if (self->remedy != NULL) {
    g_autofree char *text = hookrun_policy_to_json (self->remedy);

    policy = json_from_string (text, NULL);
  }
  json_object_set_member (object, "policy",
                          policy != NULL ? policy : json_node_new (JSON_NODE_NULL));
  set_text (object, "reason", self->reason);
  return node;
}
