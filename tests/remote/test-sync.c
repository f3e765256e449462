/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Syncs: both engines make exact copies, tell what they did, and fail without surprises. */
#include <glib/gstdio.h>
#include <string.h>

#include "hookrun-sync-private.h"
#include "remote-fixture.h"

/* Each test runs with each of these. */
static const struct {
  const char *name;
  RemoteKind kind;
  HookrunSyncEngine engine;
} cases[] = {
    {"local-rsync", REMOTE_LOCAL, HOOKRUN_SYNC_ENGINE_RSYNC},
    {"local-tar", REMOTE_LOCAL, HOOKRUN_SYNC_ENGINE_TAR},
    {"ssh-rsync", REMOTE_SSH, HOOKRUN_SYNC_ENGINE_RSYNC},
    {"ssh-tar", REMOTE_SSH, HOOKRUN_SYNC_ENGINE_TAR},
    {"ssh-program-rsync", REMOTE_SSH_PROGRAM, HOOKRUN_SYNC_ENGINE_RSYNC},
};

typedef struct {
  RemoteFixture *remote;
  HookrunSync *sync;
  HookrunSyncEngine engine;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer index)
{
  gsize i = GPOINTER_TO_SIZE (index);

  fixture->remote = remote_fixture_new (cases[i].kind, NULL);
  fixture->engine = cases[i].engine;
  fixture->sync = hookrun_sync_new ();
  hookrun_sync_set_engine (fixture->sync, fixture->engine);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_object_unref (fixture->sync);
  remote_fixture_free (fixture->remote);
}

static HookrunSyncResult *
run (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  HookrunSyncResult *result =
      hookrun_sync_run (fixture->sync, fixture->remote->target, fixture->remote->source,
                        fixture->remote->path, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (hookrun_sync_result_get_engine (result), ==, fixture->engine);
  return result;
}

static void
shell (Fixture *fixture, const char *script)
{
  g_free (remote_fixture_shell (fixture->remote, script));
}

static void
assert_same (Fixture *fixture)
{
  remote_fixture_assert_same (fixture->remote, "source", "root/there");
}

static void
test_odd_names (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) first = NULL;
  g_autoptr (HookrunSyncResult) second = NULL;

  remote_fixture_make_odd_tree (fixture->remote);
  first = run (fixture);
  assert_same (fixture);
  g_assert_cmpuint (hookrun_sync_result_get_n_files (first), ==, 17);
  g_assert_cmpuint (hookrun_sync_result_get_n_bytes (first), >, 300000);
  second = run (fixture);
  g_assert_cmpuint (hookrun_sync_result_get_n_files (second), ==, 0);
  g_assert_cmpuint (hookrun_sync_result_get_n_deleted (second), ==, 0);
  assert_same (fixture);
}

static void
test_changes (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) first = NULL;
  g_autoptr (HookrunSyncResult) second = NULL;

  remote_fixture_make_odd_tree (fixture->remote);
  first = run (fixture);
  shell (fixture,
         "cd source && echo other >a/one && rm -r a/b $'new\\nline' ./-dash link && "
         "rm a-link && mkdir a-link && echo x >a-link/x && rm program && ln -s a program && "
         "rmdir empty && echo file >empty && chmod 640 large && ln -sf elsewhere out");
  second = run (fixture);
  assert_same (fixture);
  g_assert_cmpuint (hookrun_sync_result_get_n_deleted (second), >=, 7);
}

static void
test_dry_run (Fixture *fixture, gconstpointer unused)
{
  static const char *const wanted[] = {"+ a\\012b", "+ d", "+ d/new", "- gone", "~ changed", NULL};
  g_autoptr (HookrunSyncResult) first = NULL;
  g_autoptr (HookrunSyncResult) dry = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  shell (fixture, "cd source && echo 1 >changed; echo 2 >gone; echo 3 >kept");
  first = run (fixture);
  shell (fixture, "cd source && echo 123 >changed; rm gone; mkdir d; : >d/new; : >$'a\\nb'");
  before = remote_fixture_shell (fixture->remote, "ls -lR --full-time root");
  hookrun_sync_set_dry_run (fixture->sync, TRUE);
  dry = run (fixture);
  after = remote_fixture_shell (fixture->remote, "ls -lR --full-time root");
  g_assert_cmpstr (before, ==, after);
  g_assert_cmpuint (g_strv_length ((char **)hookrun_sync_result_get_changes (dry)), ==,
                    g_strv_length ((char **)wanted));
  for (gsize i = 0; wanted[i] != NULL; i++)
    g_assert_true (g_strv_contains (hookrun_sync_result_get_changes (dry), wanted[i]));
  g_assert_cmpuint (hookrun_sync_result_get_n_files (dry), ==, 3);
  g_assert_cmpuint (hookrun_sync_result_get_n_deleted (dry), ==, 1);
}

static void
test_excludes (Fixture *fixture, gconstpointer unused)
{
  static const char *const patterns[] = {".git*", "/top", "build/", "*.pyc", "x/y", NULL};
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autofree char *list = NULL;

  shell (fixture, "cd source && mkdir -p .git/objects sub/top build sub/build sub/x/y sub/k && "
                  ": >.git/objects/1; : >.gitignore; : >top; : >sub/top/kept; : >build/1;"
                  ": >sub/build/2; : >sub/a.pyc; : >sub/x/y/3; : >sub/k/build; : >sub/kept");
  shell (fixture,
         "mkdir -p root/there/old/.git root/there/stale && : >root/there/old/.git/config && "
         ": >root/there/keep.pyc; : >root/there/stale/x");
  hookrun_sync_set_excludes (fixture->sync, patterns);
  result = run (fixture);
  list = remote_fixture_shell (fixture->remote,
                               "cd root/there && find . -type f | sort | tr '\\n' ' '");
  g_assert_cmpstr (list, ==,
                   "./keep.pyc ./old/.git/config ./sub/k/build ./sub/kept ./sub/top/kept ");
}

static void
test_without_delete (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) result = NULL;

  shell (fixture, "echo 1 >source/one; mkdir -p root/there/d; echo 2 >root/there/d/two");
  hookrun_sync_set_delete (fixture->sync, FALSE);
  result = run (fixture);
  shell (fixture, "test -f root/there/one -a -f root/there/d/two");
  g_assert_cmpuint (hookrun_sync_result_get_n_deleted (result), ==, 0);
}

/* Same size and time, other contents: only the checksum tells. */
static void
test_checksum (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) first = NULL;
  g_autoptr (HookrunSyncResult) quick = NULL;
  g_autoptr (HookrunSyncResult) thorough = NULL;

  shell (fixture, "cd source && echo abc >a && echo same >$'b\\nb' && touch -d 2001-01-01 *");
  first = run (fixture);
  shell (fixture, "cd source && echo xyz >a && touch -d 2001-01-01 a && touch -d 2002-01-01 b*");
  shell (fixture, "touch -d 2001-01-01 source/b*");
  quick = run (fixture);
  g_assert_cmpuint (hookrun_sync_result_get_n_files (quick), ==, 0);
  hookrun_sync_set_checksum (fixture->sync, TRUE);
  thorough = run (fixture);
  g_assert_cmpuint (hookrun_sync_result_get_n_files (thorough), ==, 1);
  assert_same (fixture);
}

/* A target that keeps whole seconds cannot tell two contents of one second by their times. */
static void
test_whole_seconds (Fixture *fixture, gconstpointer unused)
{
  shell (fixture, "printf one >source/x; touch -d '2026-01-01 00:00:00.7' source/x");
  hookrun_sync_result_unref (run (fixture));
  shell (fixture, "touch -d '2026-01-01 00:00:00' root/there/x; printf two >source/x;"
                  "touch -d '2026-01-01 00:00:00.7' source/x");
  hookrun_sync_result_unref (run (fixture));
  assert_same (fixture);
}

static void
test_compress (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) result = NULL;

  remote_fixture_make_odd_tree (fixture->remote);
  hookrun_sync_set_compress (fixture->sync, TRUE);
  result = run (fixture);
  assert_same (fixture);
}

/* What the copy shares with other names by hard links is replaced, never written. */
static void
test_hard_links (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) first = NULL;
  g_autoptr (HookrunSyncResult) second = NULL;
  g_autoptr (HookrunSyncOptions) options = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  static const char list[] = "cd root/old && find . -printf '%y %m %s %T@ %p\\n' | sort; cat *";

  shell (fixture,
         "cd source && for f in content mode time 'odd name' $'n\\nl'; do echo old >\"$f\"; "
         "done; echo x >same");
  first = run (fixture);
  shell (fixture, "cp -al root/there root/old");
  before = remote_fixture_shell (fixture->remote, list);
  shell (fixture, "cd source && echo new >content && chmod 600 mode 'odd name' $'n\\nl' && "
                  "touch -d 2001-01-01 time");
  options = hookrun_sync_copy_options (fixture->sync);
  options->has_hard_links = TRUE;
  second = hookrun_sync_run_options (options, fixture->remote->target, fixture->remote->source,
                                     fixture->remote->path, NULL, &error);
  g_assert_no_error (error);
  after = remote_fixture_shell (fixture->remote, list);
  g_assert_cmpstr (before, ==, after);
  assert_same (fixture);
  shell (fixture, "test root/there/same -ef root/old/same");
}

static void
test_never_through_links (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autofree char *outside = NULL;

  shell (fixture, "mkdir -p source/d source/e root/there outside; echo in >source/d/file; "
                  "echo precious >outside/file; echo precious >outside/other; "
                  "ln -s ../../outside root/there/d; ln -s ../../outside root/there/e; "
                  "ln -s ../outside source/link; ln -s ../../outside root/there/stale");
  result = run (fixture);
  outside = remote_fixture_shell (fixture->remote, "cat outside/*; ls outside");
  g_assert_cmpstr (outside, ==, "precious\nprecious\nfile\nother\n");
  assert_same (fixture);
}

static void
test_many_files (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) first = NULL;
  g_autoptr (HookrunSyncResult) second = NULL;

  shell (fixture, "cd source && for d in {1..20}; do mkdir d$d; for f in {1..100}; do "
                  "echo $d $f >d$d/f$f; done; done");
  first = run (fixture);
  g_assert_cmpuint (hookrun_sync_result_get_n_files (first), ==, 2000);
  shell (fixture, "cd source && for f in {1..20}; do echo changed >d$f/f$f; done");
  second = run (fixture);
  g_assert_cmpuint (hookrun_sync_result_get_n_files (second), ==, 20);
  assert_same (fixture);
}

static void
assert_fails (Fixture *fixture, HookrunError code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_sync_run (fixture->sync, fixture->remote->target, fixture->remote->source,
                                   fixture->remote->path, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, word));
}

static void
test_full_disk (Fixture *fixture, gconstpointer unused)
{
  shell (fixture, "head -c 3000000 /dev/urandom >source/large; mkdir -p root/there; "
                  "mount -t tmpfs -o size=1m none root/there");
  assert_fails (fixture, HOOKRUN_ERROR_NO_SPACE, "No space left");
  shell (fixture, "umount -l root/there");
}

static void
test_read_only (Fixture *fixture, gconstpointer unused)
{
  shell (fixture, "echo x >source/x; mkdir -p root/there; mount -t tmpfs -o ro none root/there");
  assert_fails (fixture, HOOKRUN_ERROR_PERMISSION, "Read-only");
  shell (fixture, "umount -l root/there");
}

static void
test_no_source (Fixture *fixture, gconstpointer unused)
{
  shell (fixture, "rmdir source");
  assert_fails (fixture, HOOKRUN_ERROR_NOT_FOUND, "no such folder");
  shell (fixture, "test ! -e root/there");
}

static void
on_run (GObject *source, GAsyncResult *result, gpointer out)
{
  g_autoptr (GError) error = NULL;

  *(HookrunSyncResult **)out = hookrun_sync_run_finish (HOOKRUN_SYNC (source), result, &error);
  g_assert_no_error (error);
}

static void
test_async (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSyncResult) result = NULL;

  remote_fixture_make_odd_tree (fixture->remote);
  hookrun_sync_run_async (fixture->sync, fixture->remote->target, fixture->remote->source,
                          fixture->remote->path, NULL, on_run, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  assert_same (fixture);
}

static void
test_cancelled (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  shell (fixture, "echo x >source/x");
  g_cancellable_cancel (cancellable);
  g_assert_null (hookrun_sync_run (fixture->sync, fixture->remote->target, fixture->remote->source,
                                   fixture->remote->path, cancellable, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
}

static void
add_cases (const char *name, void (*func) (Fixture *, gconstpointer))
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/remote/sync/%s/%s", cases[i].name, name);

    g_test_add (path, Fixture, GSIZE_TO_POINTER (i), set_up, func, tear_down);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases ("odd-names-arrive-as-they-are", test_odd_names);
  add_cases ("changes-of-all-kinds", test_changes);
  add_cases ("dry-run-tells-and-changes-nothing", test_dry_run);
  add_cases ("excluded-is-neither-sent-nor-removed", test_excludes);
  add_cases ("without-delete", test_without_delete);
  add_cases ("checksum-sees-what-time-hides", test_checksum);
  add_cases ("whole-seconds-are-not-trusted", test_whole_seconds);
  add_cases ("compressed", test_compress);
  add_cases ("hard-links-are-never-written", test_hard_links);
  add_cases ("never-through-links", test_never_through_links);
  add_cases ("two-thousand-files", test_many_files);
  add_cases ("full-disk", test_full_disk);
  add_cases ("read-only", test_read_only);
  add_cases ("no-source", test_no_source);
  add_cases ("asynchronous", test_async);
  add_cases ("cancelled", test_cancelled);
  return g_test_run ();
}
