/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder of hooks: which files count, where they run among each other and among other handlers.
 */
#include "plugin-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static void
test_order (Fixture *fixture, gconstpointer unused)
{
  fixture_add_hooks (fixture,
                     HOOKS ("10-a", HOOK_APPENDS, "20-b.sh", HOOK_APPENDS "# hookrun: before=a\n",
                            "30-c.py", HOOK_APPENDS, "40-d",
                            HOOK_APPENDS "exit 0\n  // hookrun: replaces=c priority=9\n", "50-e",
                            HOOK_APPENDS "exit 0\n-- hookrun: priority=-1\n"));
  fixture_assert_trail (fixture, "shop", "e b a d ");
}

static HookrunVerdict
c_handler (HookrunEvent *event, gpointer user_data)
{
  HookrunData *data = hookrun_event_get_data (event);
  g_autofree char *trail =
      g_strconcat (hookrun_data_get_string (data, "trail"), user_data, " ", NULL);

  hookrun_data_set_string (data, "trail", trail, NULL);
  return HOOKRUN_CONTINUE;
}

/* Among handlers of the program itself, and in the place of one. */
static void
test_order_among_others (Fixture *fixture, gconstpointer unused)
{
  hookrun_signal_connect (fixture->signal, NULL, "one", NULL, c_handler, (gpointer) "one", NULL,
                          NULL);
  hookrun_signal_connect (fixture->signal, NULL, "two", NULL, c_handler, (gpointer) "two", NULL,
                          NULL);
  fixture_add_hooks (fixture,
                     HOOKS ("10-first", HOOK_APPENDS "# hookrun: before=one,two\n", "20-instead",
                            HOOK_APPENDS "# hookrun: replaces=two\n", "30-between",
                            HOOK_APPENDS "# hookrun: after=one before=instead\n"));
  fixture_assert_trail (fixture, "shop", "first one between instead ");
}

static void
test_ignored (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *dir = fixture_path (fixture, "hooks/test.run.d/folder");
  g_autofree char *link = fixture_path (fixture, "hooks/test.run.d/30-link");

  fixture_write (fixture, "hooks/README", "x", 0755);
  fixture_write (fixture, "hooks/NOTES", "x", 0644);
  fixture_write (fixture, "hooks/test.other/10-lost", HOOK_APPENDS, 0755);
  fixture_write (fixture, "tool", HOOK_APPENDS, 0755);
  fixture_write (fixture, "hooks/test.run.d/10-plain", HOOK_APPENDS, 0644);
  g_assert_cmpint (g_mkdir (dir, 0755), ==, 0);
  g_assert_cmpint (symlink ("../../tool", link), ==, 0);
  fixture_add_hooks (fixture,
                     HOOKS (".hidden", HOOK_APPENDS, "a~", HOOK_APPENDS, "b.rpmsave", HOOK_APPENDS,
                            "c.dpkg-old", HOOK_APPENDS, "20-real", HOOK_APPENDS));
  fixture_assert_trail (fixture, NULL, "real link ");
  assert_has (fixture->log->str, "2 - \"");
  assert_has (fixture->log->str, "10-plain\" is not executable");
  assert_has (fixture->log->str, "chmod +x");
  assert_has (fixture->log->str, "hooks/README\" is not run");
  assert_has (fixture->log->str, "hooks/test.other\" is not read");
  assert_has (fixture->log->str, "rename it to test.other.d");
}

typedef struct {
  const char *path;
  const char *text;
  int code;
  const char *says;
} FolderFault;

static const FolderFault folder_faults[] = {
    {"hooks/test.run.d/10-x", "#!/bin/sh\n# hookrun: befor=a\n", HOOKRUN_ERROR_INVALID,
     "10-x\" line 2: unknown word \"befor=a\""},
    {"hooks/test.run.d/10-x", "#!/bin/sh\n# hookrun: timeout=soon\n", HOOKRUN_ERROR_INVALID,
     "\"timeout\": \"soon\" is no duration"},
    {"hooks/test.run.d/10-x", "#!/bin/sh\n# hookrun: priority=high\n", HOOKRUN_ERROR_INVALID,
     "\"priority\": \"high\" is no whole number"},
    {"hooks/test.run.d/10-same.sh", "#!/bin/sh\n", HOOKRUN_ERROR_EXISTS, "are both the handler"},
    {"hooks/test.run.d/10-a b", "#!/bin/sh\n", HOOKRUN_ERROR_INVALID, "gives no id"},
};

static void
test_folder_faults (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *folder = fixture_path (fixture, "hooks");
  g_autoptr (GError) missing = NULL;

  g_assert_null (hookrun_engine_add_hook_folder (fixture->engine, "h", folder, &missing));
  g_assert_error (missing, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  fixture_write (fixture, "hooks/test.run.d/20-same.py", "#!/bin/sh\n", 0755);
  for (gsize i = 0; i < G_N_ELEMENTS (folder_faults); i++) {
    g_autofree char *path = fixture_path (fixture, folder_faults[i].path);
    g_autoptr (GError) error = NULL;

    fixture_write (fixture, folder_faults[i].path, folder_faults[i].text, 0755);
    g_assert_null (hookrun_engine_add_hook_folder (fixture->engine, "h", folder, &error));
    g_assert_error (error, HOOKRUN_ERROR, folder_faults[i].code);
    assert_has (error->message, folder_faults[i].says);
    g_assert_cmpint (g_unlink (path), ==, 0);
  }
}

static void
test_unknown_signal (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *folder = fixture_path (fixture, "hooks");
  g_autoptr (GError) error = NULL;

  fixture_write (fixture, "hooks/test.rum.d/10-x", HOOK_APPENDS, 0755);
  g_assert_nonnull (hookrun_engine_add_hook_folder (fixture->engine, "h", folder, &error));
  g_assert_false (hookrun_engine_activate_plugin (fixture->engine, "h", NULL, NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  assert_has (error->message, "did you mean \"test.run\"?");
}

static void
test_unknown_signal_of_an_empty_folder (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *folder = fixture_path (fixture, "hooks");
  g_autoptr (GError) error = NULL;

  fixture_write (fixture, "hooks/test.run.d/10-x", HOOK_APPENDS, 0755);
  fixture_write (fixture, "hooks/test.rnu.d/.keep", "", 0644);
  g_assert_nonnull (hookrun_engine_add_hook_folder (fixture->engine, "h", folder, &error));
  g_assert_false (hookrun_engine_activate_plugin (fixture->engine, "h", NULL, NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  assert_has (error->message, "hooks/test.rnu.d");
  assert_has (error->message, "did you mean \"test.run\"?");
}

static void
test_reload (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *gone = fixture_path (fixture, "hooks/test.run.d/10-a");
  g_autoptr (GError) error = NULL;

  fixture_add_hooks (fixture, HOOKS ("10-a", HOOK_APPENDS, "20-b", HOOK_APPENDS));
  fixture_assert_trail (fixture, NULL, "a b ");
  g_assert_cmpint (g_unlink (gone), ==, 0);
  fixture_write (fixture, "hooks/test.run.d/30-c", HOOK_APPENDS, 0755);
  g_assert_true (hookrun_engine_reload (fixture->engine, "hooks", &error));
  fixture_assert_trail (fixture, NULL, "b c ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/plugin/hook-folder/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("order", test_order);
  ADD ("order-among-others", test_order_among_others);
  ADD ("ignored-names", test_ignored);
  ADD ("faults", test_folder_faults);
  ADD ("unknown-signal", test_unknown_signal);
  ADD ("unknown-signal-of-an-empty-folder", test_unknown_signal_of_an_empty_folder);
  ADD ("reload", test_reload);
#undef ADD
  return g_test_run ();
}
