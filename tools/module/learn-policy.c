/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies in parts that can be taken out one by one, and which of them are nobody's to grant
 * unasked. */
#include "learn.h"

#include <string.h>

static const struct {
  const char *key;
  HookrunAccess access;
} paths[] = {
    {"read", HOOKRUN_ACCESS_READ},
    {"write", HOOKRUN_ACCESS_WRITE},
    {"execute", HOOKRUN_ACCESS_EXECUTE},
};

/* ---- parts ---- */

static void
add_part (GPtrArray *parts, const char *key, JsonNode *value)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  HookrunPolicy *part;

  json_node_take_object (node, json_object_new ());
  json_object_set_member (json_node_get_object (node), key, value);
  part = hookrun_policy_new_from_node (node, "a part", NULL);
  if (part != NULL)
    g_ptr_array_add (parts, part);
}

static JsonNode *
list_of (JsonNode *element)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, json_array_new ());
  json_array_add_element (json_node_get_array (node), json_node_copy (element));
  return node;
}

static void
split_list (GPtrArray *parts, const char *key, JsonArray *list)
{
  for (guint i = 0; i < json_array_get_length (list); i++)
    add_part (parts, key, list_of (json_array_get_element (list, i)));
}

static void
split_ports (GPtrArray *parts, JsonObject *network)
{
  static const char *const keys[] = {"connect", "bind"};
  guint before = parts->len;

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++) {
    JsonArray *list = json_object_has_member (network, keys[i])
                          ? json_object_get_array_member (network, keys[i])
                          : NULL;

    for (guint j = 0; list != NULL && j < json_array_get_length (list); j++) {
      JsonNode *node = json_node_new (JSON_NODE_OBJECT);

      json_node_take_object (node, json_object_new ());
      json_object_set_member (json_node_get_object (node), keys[i],
                              list_of (json_array_get_element (list, j)));
      add_part (parts, "network", node);
    }
  }
  if (parts->len == before) {
    JsonNode *node = json_node_new (JSON_NODE_OBJECT);

    json_node_take_object (node, json_object_new ());
    add_part (parts, "network", node);
  }
}

/* Of limits nothing is learned: how much is enough is not seen in a run that had none. */
GPtrArray *
learn_policy_split (HookrunPolicy *policy)
{
  static const char *const lists[] = {"read", "write", "execute", "sockets"};
  GPtrArray *parts = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_policy_unref);
  g_autofree char *text = hookrun_policy_to_json (policy);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  JsonObject *object = json_node_get_object (node);
  JsonNode *network = json_object_get_member (object, "network");

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    if (json_object_has_member (object, lists[i]))
      split_list (parts, lists[i], json_object_get_array_member (object, lists[i]));
  if (network != NULL && JSON_NODE_HOLDS_OBJECT (network))
    split_ports (parts, json_node_get_object (network));
  else if (network != NULL)
    add_part (parts, "network", json_node_copy (network));
  return parts;
}

HookrunPolicy *
learn_policy_join (GPtrArray *parts, guint without)
{
  HookrunPolicy *policy = hookrun_policy_new ();

  for (guint i = 0; i < parts->len; i++)
    if (i != without)
      hookrun_policy_add (policy, g_ptr_array_index (parts, i));
  return policy;
}

/* ---- less ---- */

/* What exists only in a throw-away world is granted by the folder that it was made in. */
static char *
nearest_existing (const char *path)
{
  char *found = g_strdup (path);

  while (strcmp (found, "/") != 0 && !g_file_test (found, G_FILE_TEST_EXISTS)) {
    char *parent = g_path_get_dirname (found);

    g_free (found);
    found = parent;
  }
  return found;
}

static void
lift (HookrunPolicy *from, HookrunPolicy *to)
{
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_auto (GStrv) list = hookrun_policy_list_paths (from, paths[i].access);

    for (char **path = list; *path != NULL; path++) {
      g_autofree char *found = nearest_existing (*path);

      hookrun_policy_grant (to, found, paths[i].access, NULL);
    }
  }
}

static gboolean
is_path_covered (GPtrArray *parts, guint index)
{
  g_autoptr (HookrunPolicy) others = learn_policy_join (parts, index);

  for (gsize i = G_N_ELEMENTS (paths); i > 0; i--) {
    HookrunAccess access = paths[i - 1].access;
    g_auto (GStrv) list = hookrun_policy_list_paths (g_ptr_array_index (parts, index), access);

    if (*list != NULL)
      return (hookrun_policy_get_access (others, *list) & access) == access;
  }
  return FALSE;
}

HookrunPolicy *
learn_policy_reduce (HookrunPolicy *policy)
{
  g_autoptr (HookrunPolicy) lifted = hookrun_policy_new ();
  g_autoptr (HookrunPolicy) rest = hookrun_policy_new ();
  g_autoptr (GPtrArray) all = learn_policy_split (policy);
  g_autoptr (GPtrArray) parts = NULL;
  gboolean has_network = hookrun_policy_get_network (policy) == HOOKRUN_NETWORK_ALL;

  lift (policy, lifted);
  for (guint i = 0; i < all->len; i++) {
    HookrunPolicy *part = g_ptr_array_index (all, i);
    g_auto (GStrv) list = hookrun_policy_list_paths (part, HOOKRUN_ACCESS_NONE);

    if (*list == NULL &&
        (!has_network || hookrun_policy_get_network (part) != HOOKRUN_NETWORK_PORTS))
      hookrun_policy_add (rest, part);
  }
  hookrun_policy_add (lifted, rest);
  parts = learn_policy_split (lifted);
  for (guint i = parts->len; i > 0; i--)
    if (is_path_covered (parts, i - 1))
      g_ptr_array_remove_index (parts, i - 1);
  return learn_policy_join (parts, G_MAXUINT);
}

/* ---- secrets ---- */

static const char *const home_secrets[] = {
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".password-store",
    ".mozilla",
    ".config/gcloud",
    ".config/gh",
    ".config/google-chrome",
    ".config/chromium",
    ".thunderbird",
    ".local/share/keyrings",
    ".bash_history",
    ".npmrc",
    ".pypirc",
};

static const char *const system_secrets[] = {
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssl/private",
    "/etc/ssh",
    "/etc/krb5.keytab",
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd",
    "/run/dbus",
    "/run/user",
    "/boot",
};

static gboolean
is_at_or_below (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  if (strcmp (folder, "/") == 0)
    return TRUE;
  return strncmp (path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* In a secret place, or a folder with one in it. */
static gboolean
is_secret_path (const char *path)
{
  for (gsize i = 0; i < G_N_ELEMENTS (system_secrets); i++)
    if (is_at_or_below (path, system_secrets[i]) ||
        (is_at_or_below (system_secrets[i], path) &&
         g_file_test (system_secrets[i], G_FILE_TEST_EXISTS)))
      return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (home_secrets); i++) {
    g_autofree char *secret = g_build_filename (g_get_home_dir (), home_secrets[i], NULL);

    if (is_at_or_below (path, secret) ||
        (is_at_or_below (secret, path) && g_file_test (secret, G_FILE_TEST_EXISTS)))
      return TRUE;
  }
  return FALSE;
}

gboolean
learn_policy_is_secret (HookrunPolicy *part)
{
  g_auto (GStrv) list = hookrun_policy_list_paths (part, HOOKRUN_ACCESS_NONE);

  for (char **path = list; *path != NULL; path++)
    if (is_secret_path (*path))
      return TRUE;
  return FALSE;
}
