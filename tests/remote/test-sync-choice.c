/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which engine a sync takes on poor targets, the options it refuses, the lists it does not trust.
 */
#include "hookrun-sync-private.h"
#include "remote-fixture.h"

/* Makes a PATH of the needed programs without some, and a target that has it. */
static HookrunTarget *
make_poor_target (RemoteFixture *remote, const char *script)
{
  g_autofree char *old = g_strdup (g_getenv ("PATH"));
  g_autofree char *poor = g_build_filename (remote->folder, "bin", NULL);
  HookrunTarget *target;

  g_free (remote_fixture_shell (
      remote, "mkdir bin && cd bin && for p in sh bash find xargs tar rm rmdir mkdir cat stat "
              "sha256sum gzip; do ln -s \"$(command -v $p)\" $p; done"));
  g_free (remote_fixture_shell (remote, script));
  g_setenv ("PATH", poor, TRUE);
  target = remote_fixture_connect_again (remote);
  g_setenv ("PATH", old, TRUE);
  return target;
}

static void
test_no_rsync (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (REMOTE_LOCAL, NULL);
  g_autoptr (HookrunTarget) poor = make_poor_target (remote, ":");
  g_autoptr (HookrunSync) sync = hookrun_sync_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) forced = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;

  remote_fixture_make_odd_tree (remote);
  result = hookrun_sync_run (sync, poor, remote->source, remote->path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (hookrun_sync_result_get_engine (result), ==, HOOKRUN_SYNC_ENGINE_TAR);
  remote_fixture_assert_same (remote, "source", "root/there");
  hookrun_sync_set_engine (sync, HOOKRUN_SYNC_ENGINE_RSYNC);
  g_assert_null (hookrun_sync_run (sync, poor, remote->source, remote->path, NULL, &forced));
  g_assert_error (forced, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
}

static void
test_auto_prefers_rsync (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (REMOTE_LOCAL, NULL);
  g_autoptr (HookrunSync) sync = hookrun_sync_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSyncResult) result =
      hookrun_sync_run (sync, remote->target, remote->source, remote->path, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (hookrun_sync_result_get_engine (result), ==, HOOKRUN_SYNC_ENGINE_RSYNC);
}

/* A find that knows no -printf, as on small systems. */
static void
test_small_find (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (REMOTE_LOCAL, NULL);
  g_autoptr (HookrunTarget) poor = make_poor_target (
      remote,
      "mv bin/find bin/real-find && printf '#!/bin/bash\\nfor a; do [ \"$a\" = -printf ] && "
      "exit 1; done\\nexec real-find \"$@\"\\n' >bin/find && chmod +x bin/find");
  g_autoptr (HookrunSync) sync = hookrun_sync_new ();

  remote_fixture_make_odd_tree (remote);
  for (int round = 0; round < 3; round++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HookrunSyncResult) result = NULL;

    hookrun_sync_set_checksum (sync, round == 2);
    result = hookrun_sync_run (sync, poor, remote->source, remote->path, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (hookrun_sync_result_get_n_files (result), ==, round == 0 ? 17 : 0);
    remote_fixture_assert_same (remote, "source", "root/there");
  }
}

static void
test_rsync_options (void)
{
  static const char *const refused[] = {"--inplace", "--append", "-e", "--rsh=evil",
                                        "file",      "-ze",      "--", "--server"};
  static const char *const taken[] = {"--chmod=F600", "-z", "--exclude=*.o", NULL};
  g_autoptr (RemoteFixture) remote = remote_fixture_new (REMOTE_LOCAL, NULL);
  g_autoptr (HookrunSync) sync = hookrun_sync_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autofree char *list = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
    const char *options[] = {refused[i], NULL};
    g_autoptr (GError) why = NULL;

    g_assert_false (hookrun_sync_set_rsync_options (sync, options, &why));
    g_assert_error (why, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  }
  g_assert_true (hookrun_sync_set_rsync_options (sync, taken, &error));
  g_free (remote_fixture_shell (remote, "touch source/a.c source/a.o"));
  result = hookrun_sync_run (sync, remote->target, remote->source, remote->path, NULL, &error);
  g_assert_no_error (error);
  list = remote_fixture_shell (remote, "cd root/there; stat -c '%a %n' *");
  g_assert_cmpstr (list, ==, "600 a.c\n");
}

static void
test_untrusted_list (void)
{
#define LIST(text)                                                                                 \
  {                                                                                                \
    text, sizeof text - 1                                                                          \
  }
  static const struct {
    const char *data;
    gsize length;
  } bad[] = {
      LIST ("f 644 1 2 ../etc/passwd\0\0"),
      LIST ("f 644 1 2 /etc/passwd\0\0"),
      LIST ("f 644 1 2 ./a/../b\0\0"),
      LIST ("f 644 1 2 ./a//b\0\0"),
      LIST ("f 644 1 2 ./\0\0"),
      LIST ("f 644 1 2 ./a"),
      LIST ("f 644 1 2 ./a\0"),
      LIST ("f 644 x 2 ./a\0\0"),
      LIST ("f 999 1 2 ./a\0\0"),
      LIST ("ff 644 1 2 ./a\0\0"),
      LIST ("nonsense\0\0"),
      LIST ("f 644 -1 2 ./a\0\0"),
      LIST ("\0x"),
      LIST ("\0\0hash ./a\0"),
      LIST ("\0\0unended"),
      LIST ("f 644 1 2 ./..\0\0"),
  };
  static const char good[] = "f 644 12 34.5 ./a b\0\0l 777 1 2 ./l\0../x\0d 755 0 0 ./d\0";
  g_autoptr (GPtrArray) list =
      hookrun_tree_manifest_parse (good, sizeof good, "target \"t\"", NULL);

  g_assert_cmpuint (list->len, ==, 3);
  g_assert_cmpstr (hookrun_tree_manifest_find (list, "l")->link, ==, "../x");
  g_assert_cmpint (hookrun_tree_manifest_find (list, "a b")->mtime, ==, 34);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (
        hookrun_tree_manifest_parse (bad[i].data, bad[i].length, "target \"t\"", &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/sync/auto/tar-where-rsync-is-missing", test_no_rsync);
  g_test_add_func ("/remote/sync/auto/rsync-where-it-is", test_auto_prefers_rsync);
  g_test_add_func ("/remote/sync/tar/find-without-printf", test_small_find);
  g_test_add_func ("/remote/sync/rsync/options-of-the-user", test_rsync_options);
  g_test_add_func ("/remote/sync/manifest/is-not-trusted", test_untrusted_list);
  return g_test_run ();
}
