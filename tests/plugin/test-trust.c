/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that others could change are refused, at every step of the way. */
#include "plugin-fixture.h"

#include "hookrun-trust-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define NATIVE(id)                                                                                 \
  "{\"id\":\"" id "\",\"version\":\"1.0\",\"kind\":\"native\",\"file\":\"sub/a.so\"}"

/* Owned by somebody else: only root can make such a file; without root another user's is at hand.
 */
static void
give_away (const char *path)
{
  if (geteuid () == 0)
    g_assert_cmpint (lchown (path, 12345, 12345), ==, 0);
  else
    g_assert_cmpint (g_chmod (path, 0666), ==, 0);
}

static void
take_back (const char *path)
{
  if (geteuid () == 0)
    g_assert_cmpint (lchown (path, 0, 0), ==, 0);
}

static const char *
reason (void)
{
  return geteuid () == 0 ? "belongs to user 12345" : "can be written by others";
}

static void
prepare (Fixture *fixture)
{
  g_autofree char *sub = fixture_path (fixture, "sub");

  g_assert_cmpint (g_mkdir (sub, 0755), ==, 0);
  fixture_copy_module (fixture, "native-a1", "sub/a.so");
  fixture_write (fixture, "a.json", NATIVE ("a"), 0644);
  hookrun_engine_add_search_path (fixture->engine, fixture->folder);
}

/* What is found and activated, and what the error says otherwise. */
static char *
try_it (Fixture *fixture)
{
  g_autoptr (HookrunEngine) engine = hookrun_engine_new (fixture->registry);
  g_autoptr (GError) error = NULL;

  hookrun_engine_add_search_path (engine, fixture->folder);
  if (hookrun_engine_discover (engine, &error) &&
      hookrun_engine_activate_plugin (engine, "a", NULL, NULL, NULL, &error))
    return g_strdup ("active");
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
  return g_strdup (error->message);
}

static void
test_foreign (Fixture *fixture, gconstpointer name)
{
  g_autofree char *path = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  prepare (fixture);
  path = fixture_path (fixture, name);
  before = try_it (fixture);
  g_assert_cmpstr (before, ==, "active");
  give_away (path);
  after = try_it (fixture);
  assert_has (after, path);
  assert_has (after, reason ());
  take_back (path);
}

static void
test_writable (Fixture *fixture, gconstpointer name)
{
  static const mode_t modes[] = {0020, 0002};
  g_autofree char *path = NULL;
  struct stat st;

  prepare (fixture);
  path = fixture_path (fixture, name);
  g_assert_cmpint (stat (path, &st), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree char *said = NULL;

    g_assert_cmpint (g_chmod (path, (st.st_mode & 07777) | modes[i]), ==, 0);
    said = try_it (fixture);
    assert_has (said, path);
    assert_has (said, "chmod go-w");
  }
}

/* A folder like /tmp may be on the way, not be searched itself. */
static void
test_sticky (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *sticky = fixture_path (fixture, "sticky");
  g_autofree char *inside = fixture_path (fixture, "sticky/mine");
  g_autoptr (GError) on_the_way = NULL;
  g_autoptr (GError) itself = NULL;
  struct stat st;
  int fd;

  g_assert_cmpint (g_mkdir (sticky, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (inside, 0755), ==, 0);
  g_assert_cmpint (g_chmod (sticky, 01777), ==, 0);
  fd = hookrun_trust_open (inside, O_RDONLY | O_DIRECTORY, &st, &on_the_way);
  g_assert_no_error (on_the_way);
  close (fd);
  g_assert_cmpint (hookrun_trust_open (sticky, O_RDONLY | O_DIRECTORY, &st, &itself), ==, -1);
  g_assert_error (itself, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
}

static void
test_links (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *open_folder = fixture_path (fixture, "open");
  g_autofree char *target = fixture_path (fixture, "open/t");
  g_autofree char *safe = fixture_path (fixture, "safe");
  g_autofree char *good = fixture_path (fixture, "good");
  g_autofree char *bad = fixture_path (fixture, "bad");
  g_autofree char *loop = fixture_path (fixture, "loop");
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) untrusted = NULL;
  g_autoptr (GError) endless = NULL;
  struct stat st;
  int fd;

  fixture_write (fixture, "open/t", "x", 0644);
  fixture_write (fixture, "safe", "x", 0644);
  g_assert_cmpint (g_chmod (open_folder, 0777), ==, 0);
  g_assert_cmpint (symlink ("open/../safe", good), ==, 0);
  g_assert_cmpint (symlink (target, bad), ==, 0);
  g_assert_cmpint (symlink ("loop", loop), ==, 0);
  g_assert_cmpint (hookrun_trust_open (bad, O_RDONLY, &st, &untrusted), ==, -1);
  g_assert_error (untrusted, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
  assert_has (untrusted->message, open_folder);
  g_assert_cmpint (hookrun_trust_open (loop, O_RDONLY, &st, &endless), ==, -1);
  g_assert_error (endless, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_cmpint (g_chmod (open_folder, 0755), ==, 0);
  fd = hookrun_trust_open (good, O_RDONLY, &st, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

static void
test_hooks (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *first = fixture_path (fixture, "hooks/test.run.d/10-first");
  g_autofree char *second = fixture_path (fixture, "hooks/test.run.d/20-second");
  g_autofree char *folder = fixture_path (fixture, "hooks");
  g_autoptr (GError) error = NULL;

  fixture_write (fixture, "hooks/test.run.d/10-first", "#!/bin/sh\n", 0775);
  fixture_write (fixture, "hooks/test.run.d/20-second", "#!/bin/sh\n", 0757);
  g_assert_null (hookrun_engine_add_hook_folder (fixture->engine, "hooks", folder, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
  assert_has (error->message, first);
  assert_has (error->message, second);
}

/* A hook that became writable after it was found is not run. */
static void
test_hook_changed_later (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path = fixture_path (fixture, "hooks/test.run.d/10-first");
  g_autofree char *folder = fixture_path (fixture, "hooks");
  g_autofree char *trail = NULL;
  g_autoptr (GError) error = NULL;

  fixture_write (fixture, "hooks/test.run.d/10-first", "#!/bin/sh\necho ran\n", 0755);
  g_assert_nonnull (hookrun_engine_add_hook_folder (fixture->engine, "hooks", folder, &error));
  g_assert_true (
      hookrun_engine_activate_plugin (fixture->engine, "hooks", NULL, NULL, NULL, &error));
  g_assert_cmpint (g_chmod (path, 0777), ==, 0);
  trail = fixture_run (fixture, NULL, &error);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
  g_assert_null (strstr (fixture->log->str, "ran"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, func)                                                                      \
  g_test_add ("/plugin/trust/" name, Fixture, data, fixture_set_up, func, fixture_tear_down)
  ADD ("foreign-manifest", "a.json", test_foreign);
  ADD ("foreign-code", "sub/a.so", test_foreign);
  ADD ("foreign-folder", "sub", test_foreign);
  ADD ("writable-manifest", "a.json", test_writable);
  ADD ("writable-code", "sub/a.so", test_writable);
  ADD ("writable-folder", "sub", test_writable);
  ADD ("writable-search-path", "", test_writable);
  ADD ("sticky-folder", NULL, test_sticky);
  ADD ("links", NULL, test_links);
  ADD ("hooks-all-named", NULL, test_hooks);
  ADD ("hook-changed-later", NULL, test_hook_changed_later);
#undef ADD
  return g_test_run ();
}
