/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One module file of MODULEPATH: what it is, what it offers, and what its sidecar file asks for. It
 * is filled when it is found and never changes after that.
 */
#include "hookrun-operation-set-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hookrun-json-private.h"
#include "hookrun-nearest-private.h"
#include "hookrun-trust-private.h"

#define MAX_MANIFEST_SIZE (64 * 1024)

G_DEFINE_FINAL_TYPE (HookrunOperationSet, hookrun_operation_set, G_TYPE_OBJECT)

static const char *const kind_names[] = {
    [HOOKRUN_OPERATION_PYTHON] = "python",
    [HOOKRUN_OPERATION_SHELL] = "shell",
    [HOOKRUN_OPERATION_NATIVE] = "native",
    [HOOKRUN_OPERATION_EXECUTABLE] = "executable",
};

GType
hookrun_operation_kind_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {HOOKRUN_OPERATION_PYTHON, "HOOKRUN_OPERATION_PYTHON", "python"},
        {HOOKRUN_OPERATION_SHELL, "HOOKRUN_OPERATION_SHELL", "shell"},
        {HOOKRUN_OPERATION_NATIVE, "HOOKRUN_OPERATION_NATIVE", "native"},
        {HOOKRUN_OPERATION_EXECUTABLE, "HOOKRUN_OPERATION_EXECUTABLE", "executable"},
        {0, NULL, NULL},
    };

    g_once_init_leave (&type, g_enum_register_static ("HookrunOperationKind", values));
  }
  return type;
}

/**
 * hookrun_operation_kind_get_name:
 * @kind: a kind
 *
 * Gets the word for a kind: `python`, `shell`, `native` or `executable`.
 *
 * Returns: (transfer none): the word
 *
 * Since: 1.0
 */
const char *
hookrun_operation_kind_get_name (HookrunOperationKind kind)
{
  g_return_val_if_fail ((guint)kind < G_N_ELEMENTS (kind_names), NULL);
  return kind_names[kind];
}

static void
hookrun_operation_set_finalize (GObject *object)
{
  HookrunOperationSet *self = HOOKRUN_OPERATION_SET (object);

  g_free (self->name);
  g_free (self->file);
  g_free (self->digest);
  g_free (self->version);
  g_free (self->description);
  g_free (self->manifest_version);
  g_ptr_array_unref (self->operations);
  g_clear_error (&self->problem);
  g_clear_pointer (&self->request, hookrun_policy_unref);
  G_OBJECT_CLASS (hookrun_operation_set_parent_class)->finalize (object);
}

static void
hookrun_operation_set_class_init (HookrunOperationSetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_operation_set_finalize;
}

static void
hookrun_operation_set_init (HookrunOperationSet *self)
{
  self->operations = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_operation_unref);
  self->version = g_strdup ("0");
  self->description = g_strdup ("");
}

HookrunOperationSet *
hookrun_operation_set_new (const char *name, HookrunOperationKind kind, const char *file)
{
  HookrunOperationSet *self = g_object_new (HOOKRUN_TYPE_OPERATION_SET, NULL);

  self->name = g_strdup (name);
  self->kind = kind;
  self->file = g_strdup (file);
  return self;
}

/* ---- filling ---- */

void
hookrun_operation_set_take_description (HookrunOperationSet *self, GVariant *description)
{
  g_autoptr (GVariant) operations = NULL;
  const char *version;
  const char *text;

  g_variant_get (description, "(&s&s@a(ssba(ssb)))", &version, &text, &operations);
  if (self->manifest_version != NULL)
    version = self->manifest_version;
  if (*version != '\0') {
    g_free (self->version);
    self->version = g_strdup (version);
  }
  g_free (self->description);
  self->description = g_strdup (text);
  for (gsize i = 0; i < g_variant_n_children (operations); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (operations, i);

    g_ptr_array_add (self->operations, hookrun_operation_new (row));
  }
}

void
hookrun_operation_set_take_problem (HookrunOperationSet *self, GError *problem)
{
  if (self->problem == NULL)
    self->problem = problem;
  else
    g_error_free (problem);
}

/* (transfer full) (nullable): NULL without an error when there is no such file. */
static char *
read_sidecar (const char *path, gsize *length, GError **error)
{
  g_autofree char *text = g_malloc (MAX_MANIFEST_SIZE + 1);
  struct stat st;
  gssize n;
  int fd;

  if (lstat (path, &st) < 0 && errno == ENOENT)
    return NULL;
  fd = hookrun_trust_open (path, O_RDONLY | O_NONBLOCK, &st, error);
  if (fd < 0)
    return NULL;
  n = S_ISREG (st.st_mode) ? read (fd, text, MAX_MANIFEST_SIZE + 1) : -1;
  close (fd);
  if (n < 0 || n > MAX_MANIFEST_SIZE) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" is no regular file of at most %d bytes", path, MAX_MANIFEST_SIZE);
    return NULL;
  }
  *length = (gsize)n;
  return g_steal_pointer (&text);
}

static gboolean
take_manifest (HookrunOperationSet *self, JsonNode *node, const char *path, GError **error)
{
  static const char *const known[] = {"version", "policy", NULL};
  g_autoptr (GList) members = NULL;
  JsonObject *object;

  if (!JSON_NODE_HOLDS_OBJECT (node)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" holds no JSON object", path);
    return FALSE;
  }
  object = json_node_get_object (node);
  members = json_object_get_members (object);
  for (GList *member = members; member != NULL; member = member->next) {
    g_autofree char *hint = hookrun_nearest_hint (member->data, known);

    if (g_strv_contains (known, member->data))
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\": there is no key \"%s\"%s",
                 path, (const char *)member->data, hint);
    return FALSE;
  }
  self->manifest_version =
      g_strdup (json_object_get_string_member_with_default (object, "version", NULL));
  if (!json_object_has_member (object, "policy"))
    return TRUE;
  self->request =
      hookrun_policy_new_from_node (json_object_get_member (object, "policy"), path, error);
  return self->request != NULL;
}

gboolean
hookrun_operation_set_read_manifest (HookrunOperationSet *self, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->file);
  g_autofree char *name = g_strconcat (self->name, ".json", NULL);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) node = NULL;
  const HookrunJsonLimits limits = {MAX_MANIFEST_SIZE, 0};
  g_autofree char *what = g_strdup_printf ("\"%s\"", path);
  g_autofree char *text = NULL;
  gsize length = 0;

  text = read_sidecar (path, &length, &problem);
  if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (text == NULL)
    return TRUE;
  node = hookrun_json_parse (text, length, &limits, what, error);
  return node != NULL && take_manifest (self, node, path, error);
}

/* ---- reading ---- */

/**
 * hookrun_operation_set_get_name:
 * @self: a set of operations
 *
 * Gets the module's name: that of its file without the ending.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_operation_set_get_name (HookrunOperationSet *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), NULL);
  return self->name;
}

/**
 * hookrun_operation_set_get_kind:
 * @self: a set of operations
 *
 * Gets what the module is written in.
 *
 * Returns: the kind
 *
 * Since: 1.0
 */
HookrunOperationKind
hookrun_operation_set_get_kind (HookrunOperationSet *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), HOOKRUN_OPERATION_PYTHON);
  return self->kind;
}

/**
 * hookrun_operation_set_get_file:
 * @self: a set of operations
 *
 * Gets the module file.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_operation_set_get_file (HookrunOperationSet *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), NULL);
  return self->file;
}

/**
 * hookrun_operation_set_get_version:
 * @self: a set of operations
 *
 * Gets the version that the module has of itself: that of `NAME.json` beside the file, else the one
 * that the file describes, else `0`.
 *
 * Returns: (transfer none): the version
 *
 * Since: 1.0
 */
const char *
hookrun_operation_set_get_version (HookrunOperationSet *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), NULL);
  return self->version;
}

/**
 * hookrun_operation_set_get_description:
 * @self: a set of operations
 *
 * Gets what the module says of itself. It is a stranger's text: it may contain control characters.
 *
 * Returns: (transfer none): the text; empty when there is none
 *
 * Since: 1.0
 */
const char *
hookrun_operation_set_get_description (HookrunOperationSet *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), NULL);
  return self->description;
}

/**
 * hookrun_operation_set_get_problem:
 * @self: a set of operations
 *
 * Gets why the module cannot be used: it is malformed, it crashed while it was described, others
 * may write its file, and so on. Its list of operations is empty then.
 *
 * Returns: (transfer none) (nullable): the reason, or %NULL when all is well
 *
 * Since: 1.0
 */
const GError *
hookrun_operation_set_get_problem (HookrunOperationSet *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), NULL);
  return self->problem;
}

/**
 * hookrun_operation_set_get_request:
 * @self: a set of operations
 *
 * Gets what the module asks for beyond its own folders, from `policy` in `NAME.json` beside its
 * file. It has none of it before the user grants it; see [method@Hookrun.ModuleState.grant].
 *
 * Returns: (transfer none) (nullable): the policy, or %NULL when it asks for nothing
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_operation_set_get_request (HookrunOperationSet *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), NULL);
  return self->request;
}

/**
 * hookrun_operation_set_get_operations:
 * @self: a set of operations
 *
 * Gets the operations in the order in which the module describes them.
 *
 * Returns: (transfer none) (element-type HookrunOperation): the operations
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_operation_set_get_operations (HookrunOperationSet *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), NULL);
  return self->operations;
}

/**
 * hookrun_operation_set_lookup:
 * @self: a set of operations
 * @name: the name of an operation
 *
 * Looks an operation up.
 *
 * Returns: (transfer none) (nullable): the operation, or %NULL when there is none of that name
 *
 * Since: 1.0
 */
HookrunOperation *
hookrun_operation_set_lookup (HookrunOperationSet *self, const char *name)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self) && name != NULL, NULL);
  for (guint i = 0; i < self->operations->len; i++)
    if (g_str_equal (hookrun_operation_get_name (self->operations->pdata[i]), name))
      return self->operations->pdata[i];
  return NULL;
}

/**
 * hookrun_operation_set_find:
 * @self: a set of operations
 * @name: the name of an operation
 * @error: return location for an error
 *
 * Finds an operation that is to be run.
 *
 * Returns: (transfer none) (nullable): the operation; %NULL with %HOOKRUN_ERROR_NOT_FOUND when
 *   there is none of that name, or with the module's problem
 *
 * Since: 1.0
 */
HookrunOperation *
hookrun_operation_set_find (HookrunOperationSet *self, const char *name, GError **error)
{
  HookrunOperation *operation;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *hint = NULL;

  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self) && name != NULL, NULL);
  if (self->problem != NULL) {
    g_propagate_error (error, g_error_copy (self->problem));
    return NULL;
  }
  operation = hookrun_operation_set_lookup (self, name);
  if (operation != NULL)
    return operation;
  for (guint i = 0; i < self->operations->len; i++)
    g_ptr_array_add (names, (gpointer)hookrun_operation_get_name (self->operations->pdata[i]));
  g_ptr_array_add (names, NULL);
  hint = hookrun_nearest_hint (name, (const char *const *)names->pdata);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
               "module \"%s\" has no operation \"%s\"%s", self->name, name, hint);
  return NULL;
}

/**
 * hookrun_operation_set_to_json:
 * @self: a set of operations
 *
 * Makes a JSON object of it: `module`, `kind`, `file`, `version`, `description`, `problem` (null
 * when all is well) and `operations`, an array of what [method@Hookrun.Operation.to_json] gives.
 *
 * Returns: (transfer full): the object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_operation_set_to_json (HookrunOperationSet *self)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonArray *operations = json_array_new ();

  g_return_val_if_fail (HOOKRUN_IS_OPERATION_SET (self), NULL);
  json_node_take_object (node, object);
  json_object_set_string_member (object, "module", self->name);
  json_object_set_string_member (object, "kind", kind_names[self->kind]);
  json_object_set_string_member (object, "file", self->file);
  json_object_set_string_member (object, "version", self->version);
  json_object_set_string_member (object, "description", self->description);
  if (self->problem != NULL)
    json_object_set_string_member (object, "problem", self->problem->message);
  else
    json_object_set_null_member (object, "problem");
  for (guint i = 0; i < self->operations->len; i++)
    json_array_add_element (operations, hookrun_operation_to_json (self->operations->pdata[i]));
  json_object_set_array_member (object, "operations", operations);
  return node;
}
