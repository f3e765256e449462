/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of plugins share. */
#include "plugin-fixture.h"

#include "hookrun-file-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

static const HookrunField fields[] = {
    {"trail", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"count", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL},
    {"flag", HOOKRUN_FIELD_BOOLEAN, HOOKRUN_FIELD_NONE, NULL},
    {"names", HOOKRUN_FIELD_STRV, HOOKRUN_FIELD_NONE, NULL},
    {"secret", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_SECRET, NULL},
    {"fixed", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, NULL},
};

static void
on_log (HookrunEngine *engine, HookrunPlugin *plugin, HookrunLogLevel level, const char *text,
        Fixture *fixture)
{
  g_string_append_printf (fixture->log, "%d %s %s\n", (int)level,
                          plugin != NULL ? hookrun_plugin_get_id (plugin) : "-", text);
}

void
fixture_set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSchema) schema = hookrun_schema_new (fields, G_N_ELEMENTS (fields), NULL);

  fixture->folder = g_dir_make_tmp ("hookrun-plugin-XXXXXX", NULL);
  fixture->log = g_string_new (NULL);
  fixture->registry = hookrun_registry_new ();
  fixture->signal = hookrun_registry_define_with_schema (fixture->registry, "test.run",
                                                         HOOKRUN_SIGNAL_NONE, schema, NULL);
  fixture->other = hookrun_registry_define_with_schema (fixture->registry, "test.other",
                                                        HOOKRUN_SIGNAL_NONE, schema, NULL);
  g_assert_nonnull (fixture->signal);
  fixture->engine = hookrun_engine_new (fixture->registry);
  g_signal_connect (fixture->engine, "log", G_CALLBACK (on_log), fixture);
}

void
fixture_tear_down (Fixture *fixture, gconstpointer unused)
{
  g_assert_finalize_object (fixture->engine);
  g_object_unref (fixture->registry);
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, fixture->folder, NULL));
  g_free (fixture->folder);
  g_string_free (fixture->log, TRUE);
}

char *
fixture_path (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->folder, name, NULL);
}

void
fixture_write (Fixture *fixture, const char *name, const char *text, mode_t mode)
{
  g_autofree char *path = fixture_path (fixture, name);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

void
fixture_copy_module (Fixture *fixture, const char *module, const char *name)
{
  g_autofree char *file = g_strconcat (module, ".so", NULL);
  g_autofree char *from = g_test_build_filename (G_TEST_BUILT, "plugin", file, NULL);
  g_autofree char *to = fixture_path (fixture, name);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize length = 0;

  g_file_get_contents (from, &contents, &length, &error);
  g_assert_no_error (error);
  g_file_set_contents (to, contents, (gssize)length, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (to, 0644), ==, 0);
}

HookrunPlugin *
fixture_add (Fixture *fixture, const char *json)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autoptr (HookrunManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  HookrunPlugin *plugin;

  g_assert_nonnull (node);
  manifest = hookrun_manifest_new_from_json (node, "test", fixture->folder, &error);
  g_assert_no_error (error);
  plugin = hookrun_engine_add_manifest (fixture->engine, manifest, &error);
  g_assert_no_error (error);
  return plugin;
}

HookrunData *
fixture_data (Fixture *fixture)
{
  HookrunData *data = hookrun_data_new (hookrun_signal_get_schema (fixture->signal));

  g_assert_true (hookrun_data_set_string (data, "trail", "", NULL));
  return data;
}

char *
fixture_run (Fixture *fixture, const char *subject, GError **error)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);

  hookrun_signal_emit_for (fixture->signal, subject, data, NULL, error);
  return g_strdup (hookrun_data_get_string (data, "trail"));
}

void
fixture_add_hooks (Fixture *fixture, const char *const *names_and_texts)
{
  g_autofree char *folder = fixture_path (fixture, "hooks");
  g_autoptr (GError) error = NULL;

  for (; *names_and_texts != NULL; names_and_texts += 2) {
    g_autofree char *name = g_strconcat ("hooks/test.run.d/", names_and_texts[0], NULL);

    fixture_write (fixture, name, names_and_texts[1], 0755);
  }
  hookrun_engine_add_hook_folder (fixture->engine, "hooks", folder, &error);
  g_assert_no_error (error);
  hookrun_engine_activate_plugin (fixture->engine, "hooks", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}
