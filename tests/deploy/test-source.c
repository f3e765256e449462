/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources, with real git repositories in temporary folders: versions, trees, and what goes wrong.
 */
#include "../module/fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define ADD(name, func)                                                                            \
  g_test_add ("/deploy/source/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

/* Runs a script of the shell in the fixture's folder. */
static void
shell (Fixture *self, const char *script)
{
  const char *argv[] = {"sh", "-ec", script, NULL};
  g_auto (GStrv) environment = g_get_environ ();
  int status = -1;

  environment = g_environ_setenv (environment, "GIT_CONFIG_GLOBAL", "/dev/null", TRUE);
  environment = g_environ_setenv (environment, "GIT_AUTHOR_NAME", "A", TRUE);
  environment = g_environ_setenv (environment, "GIT_AUTHOR_EMAIL", "a@example.org", TRUE);
  environment = g_environ_setenv (environment, "GIT_COMMITTER_NAME", "A", TRUE);
  environment = g_environ_setenv (environment, "GIT_COMMITTER_EMAIL", "a@example.org", TRUE);
  environment = g_environ_setenv (environment, "GIT_ALLOW_PROTOCOL", "file", TRUE);
  g_assert_true (g_spawn_sync (self->folder, (char **)argv, environment,
                               G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                               NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

/* A repository with the default branch "trunk", a branch "next", and the tag v1 before its head. */
static void
make_origin (Fixture *self)
{
  shell (self,
         "git init -q -b trunk work; cd work;"
         "mkdir -p lib .github; echo one > a.txt; echo '#!/bin/sh' > lib/run; chmod +x lib/run;"
         "ln -s a.txt link; echo x > .gitignore; echo y > .github/ci; echo z > 'sp ace\ttab';"
         "git add -Af; git commit -qm one; git tag -a v1 -m v1;"
         "echo two > a.txt; git commit -qam two;"
         "git branch next; cd ..; git clone -q --bare work origin.git");
}

static HookrunSource *
source_of (Fixture *self, const char *release_section)
{
  g_autofree char *text = g_strdup_printf ("[scm]\nurl = ../origin.git\n%s", release_section);
  HookrunModule *shop = fixture_load_shop (self, text);

  g_assert_no_error (self->error);
  return hookrun_source_new (shop, "stable", NULL);
}

static void
resolve (Fixture *self, HookrunSource *source)
{
  hookrun_source_resolve (source, NULL, &self->error);
  g_assert_no_error (self->error);
  g_assert_nonnull (hookrun_source_get_version (source));
}

static void
checkout (Fixture *self, HookrunSource *source)
{
  hookrun_source_checkout (source, NULL, &self->error);
  g_assert_no_error (self->error);
  g_assert_nonnull (hookrun_source_get_tree (source));
}

static void
assert_file (HookrunSource *source, const char *file, const char *expected)
{
  g_autofree char *path = g_build_filename (hookrun_source_get_tree (source), file, NULL);
  g_autofree char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_refused (Fixture *self, HookrunSource *source, HookrunError code, const char *part)
{
  g_clear_error (&self->error);
  g_assert_false (hookrun_source_checkout (source, NULL, &self->error));
  g_assert_error (self->error, HOOKRUN_ERROR, (int)code);
  g_assert_true (g_str_has_prefix (self->error->message, "module \"shop\": "));
  g_test_message ("%s", self->error->message);
  g_assert_nonnull (strstr (self->error->message, part));
  g_assert_null (hookrun_source_get_tree (source));
}

static void
test_tag_beats_branch (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;

  make_origin (self);
  source = source_of (self, "[release:stable]\nbranch = next\ntag = v1\n");
  checkout (self, source);
  g_assert_cmpstr (hookrun_source_get_version (source), ==, "v1");
  g_assert_cmpuint (strlen (hookrun_source_get_commit (source)), ==, 40);
  assert_file (source, "a.txt", "one\n");
}

static void
test_tree (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;
  g_autofree char *program = NULL;
  g_autofree char *link = NULL;
  g_autofree char *target = NULL;

  make_origin (self);
  source = source_of (self, "");
  checkout (self, source);
  program = g_build_filename (hookrun_source_get_tree (source), "lib/run", NULL);
  link = g_build_filename (hookrun_source_get_tree (source), "link", NULL);
  target = g_file_read_link (link, NULL);
  assert_file (source, "a.txt", "two\n");
  assert_file (source, "sp ace\ttab", "z\n");
  assert_file (source, ".gitignore", NULL);
  assert_file (source, ".github/ci", NULL);
  assert_file (source, ".git/HEAD", NULL);
  g_assert_true (g_file_test (program, G_FILE_TEST_IS_EXECUTABLE));
  g_assert_cmpstr (target, ==, "a.txt");
}

static void
test_default_branch (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;

  make_origin (self);
  source = source_of (self, "");
  resolve (self, source);
  g_assert_true (g_str_has_prefix (hookrun_source_get_version (source), "trunk@"));
  g_assert_cmpuint (strlen (hookrun_source_get_version (source)), ==, strlen ("trunk@") + 10);
  g_assert_null (hookrun_source_get_tree (source));
}

static void
test_detached_head (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;

  make_origin (self);
  shell (self, "cd origin.git; c=$(git rev-parse 'v1^{commit}'); echo $c > HEAD; git branch -D "
               "next; git tag -d v1");
  source = source_of (self, "");
  checkout (self, source);
  g_assert_true (g_str_has_prefix (hookrun_source_get_version (source), "HEAD@"));
  assert_file (source, "a.txt", "one\n");
}

static void
test_moved_branch (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;
  g_autofree char *first = NULL;

  make_origin (self);
  source = source_of (self, "[release:stable]\nbranch = next\n");
  resolve (self, source);
  first = g_strdup (hookrun_source_get_version (source));
  resolve (self, source);
  g_assert_cmpstr (hookrun_source_get_version (source), ==, first);
  shell (self, "cd work; git checkout -q --orphan other; echo 3 > a.txt; git commit -qam 3;"
               "git push -qf ../origin.git other:next");
  resolve (self, source);
  g_assert_cmpstr (hookrun_source_get_version (source), !=, first);
  g_assert_true (g_str_has_prefix (hookrun_source_get_version (source), "next@"));
  checkout (self, source);
  assert_file (source, "a.txt", "3\n");
}

static void
test_deleted_tag (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;

  make_origin (self);
  source = source_of (self, "[release:stable]\ntag = v1\n");
  resolve (self, source);
  shell (self, "cd origin.git; git tag v11; git tag -d v1");
  g_assert_false (hookrun_source_resolve (source, NULL, &self->error));
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_null (hookrun_source_get_version (source));
  g_assert_nonnull (strstr (self->error->message, "has no tag \"v1\""));
  g_assert_nonnull (strstr (self->error->message, "did you mean \"v11\"?"));
}

static void
test_failures (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) branch = NULL;
  g_autoptr (HookrunSource) empty = NULL;
  g_autoptr (HookrunSource) gone = NULL;
  g_autoptr (HookrunSource) refused = NULL;

  make_origin (self);
  branch = source_of (self, "[release:stable]\nbranch = trnuk\n");
  assert_refused (self, branch, HOOKRUN_ERROR_NOT_FOUND,
                  "has no branch \"trnuk\"; make it there or correct the release's section of the "
                  "module file; did you mean \"trunk\"?");
  shell (self, "mv origin.git away; git init -q --bare origin.git");
  empty = source_of (self, "");
  assert_refused (self, empty, HOOKRUN_ERROR_NOT_FOUND, "no default branch with a commit");
  shell (self, "rm -rf origin.git");
  gone = source_of (self, "");
  assert_refused (self, gone, HOOKRUN_ERROR_NOT_FOUND, "/origin.git");
  refused = hookrun_source_new (fixture_load_shop (self, "[scm]\nurl = git://127.0.0.1:1/x.git\n"),
                                "stable", NULL);
  assert_refused (self, refused, HOOKRUN_ERROR_CONNECTION,
                  "cannot get the source from \"git://127.0.0.1:1/x.git\": git ls-remote: ");
}

static void
test_submodule (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;

  make_origin (self);
  shell (self, "cd work; git -c protocol.file.allow=always submodule --quiet add ../origin.git sub;"
               "git commit -qm sub; git push -q ../origin.git trunk");
  source = source_of (self, "");
  assert_refused (self, source, HOOKRUN_ERROR_UNSUPPORTED,
                  "\"sub\" in the repository is a submodule");
}

static void
test_cancelled (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  make_origin (self);
  source = source_of (self, "");
  g_cancellable_cancel (cancellable);
  g_assert_false (hookrun_source_resolve (source, cancellable, &self->error));
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (300000);
  g_cancellable_cancel (data);
  return NULL;
}

/* A repository that accepts and never answers: the end comes at once when it is asked for. */
static void
test_cancelled_in_the_middle (Fixture *self, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autofree char *text = g_strdup_printf ("[scm]\nurl = git://127.0.0.1:%u/x.git\n", port);
  g_autoptr (HookrunSource) source = NULL;
  gint64 start = g_get_monotonic_time ();
  GThread *thread;

  source = hookrun_source_new (fixture_load_shop (self, text), "stable", NULL);
  thread = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_false (hookrun_source_checkout (source, cancellable, &self->error));
  g_thread_join (thread);
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 3 * G_USEC_PER_SEC);
}

/* Another process works in the cache: this one waits for it, and can be told not to. */
static void
test_locked (Fixture *self, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (HookrunSource) source = NULL;
  g_autofree char *lock = fixture_path (self, "shop/repo/.hookrun/lock");
  GThread *thread;
  int fd;

  make_origin (self);
  source = source_of (self, "");
  resolve (self, source);
  fd = open (lock, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (flock (fd, LOCK_EX), ==, 0);
  thread = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_false (hookrun_source_checkout (source, cancellable, &self->error));
  g_thread_join (thread);
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_clear_error (&self->error);
  close (fd);
  checkout (self, source);
}

/* Neither hooks in our copy nor a template, nor GIT_DIR in the environment take part. */
static void
test_no_hooks (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;
  g_autofree char *ran = fixture_path (self, "ran");

  make_origin (self);
  source = source_of (self, "");
  checkout (self, source);
  shell (self, "h=shop/repo/.hookrun/source.git/hooks; mkdir -p $h;"
               "for n in reference-transaction post-checkout post-index-change; do"
               " printf '#!/bin/sh\\ntouch %s/ran\\n' \"$PWD\" > $h/$n; chmod +x $h/$n; done;"
               "cd work; echo 4 > a.txt; git commit -qam 4; git push -q ../origin.git trunk");
  g_setenv ("GIT_DIR", "/nonexistent", TRUE);
  resolve (self, source);
  checkout (self, source);
  g_unsetenv ("GIT_DIR");
  assert_file (source, "a.txt", "4\n");
  g_assert_false (g_file_test (ran, G_FILE_TEST_EXISTS));
}

static gint64
time_of (HookrunSource *source, const char *file)
{
  g_autofree char *path = g_build_filename (hookrun_source_get_tree (source), file, NULL);
  struct stat st;

  g_assert_cmpint (lstat (path, &st), ==, 0);
  return st.st_mtim.tv_sec;
}

/* What did not change keeps its time from export to export; what changed gets a new one. */
static void
test_times (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = NULL;
  gint64 old;

  make_origin (self);
  source = source_of (self, "");
  checkout (self, source);
  shell (self, "sed -i 's/ [0-9]\\{10\\} / 1000000000 /g' shop/repo/.hookrun/times;"
               "cd work; echo 5 > a.txt; git commit -qam 5; git push -q ../origin.git trunk");
  old = time_of (source, "lib/run");
  g_assert_cmpint (old, >, 1000000000);
  resolve (self, source);
  checkout (self, source);
  g_assert_cmpint (time_of (source, "lib/run"), ==, 1000000000);
  g_assert_cmpint (time_of (source, "link"), ==, 1000000000);
  g_assert_cmpint (time_of (source, "a.txt"), >=, old);
  shell (self, "cd work; echo '* text' > .gitattributes; git add -A; git commit -qm 6;"
               "git push -q ../origin.git trunk");
  resolve (self, source);
  checkout (self, source);
  g_assert_cmpint (time_of (source, "lib/run"), >=, old);
  shell (self, "echo broken > shop/repo/.hookrun/times");
  checkout (self, source);
  g_assert_cmpint (time_of (source, "lib/run"), >=, old);
}

/* Trees of two runs are apart, go with their sources, and what a crash left is removed. */
static void
test_trees_are_apart (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) first = NULL;
  HookrunSource *second;
  g_autofree char *tree = NULL;
  g_autofree char *stale = fixture_path (self, "shop/repo/.hookrun/checkouts/crashed");

  make_origin (self);
  first = source_of (self, "");
  checkout (self, first);
  second = hookrun_source_new (hookrun_source_get_module (first), "stable", NULL);
  fixture_write (self, "shop/repo/.hookrun/checkouts/crashed/new/x", "");
  checkout (self, second);
  tree = g_strdup (hookrun_source_get_tree (second));
  g_assert_cmpstr (tree, !=, hookrun_source_get_tree (first));
  g_assert_false (g_file_test (stale, G_FILE_TEST_EXISTS));
  assert_file (first, "a.txt", "two\n");
  g_object_unref (second);
  g_assert_false (g_file_test (tree, G_FILE_TEST_EXISTS));
  assert_file (first, "a.txt", "two\n");
}

static HookrunSource *
folder_source (Fixture *self, const char *text)
{
  fixture_write (self, "shop/app/main.py", "print()");
  fixture_write (self, "shop/config/testing/settings.py", "secret");
  fixture_write (self, "shop/deployment.py", "");
  fixture_write (self, "shop/.gitignore", "");
  fixture_write (self, "shop/app/config/kept", "k");
  shell (self, "ln -sf main.py shop/app/link; chmod 755 shop/app/main.py;"
               "touch -d @1000000000 shop/app/main.py");
  return hookrun_source_new (fixture_load_shop (self, text), "stable", "testing");
}

static void
test_folder (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = folder_source (self, "[scm]\nurl = none\n");
  g_autofree char *program = NULL;

  checkout (self, source);
  g_assert_true (g_str_has_prefix (hookrun_source_get_version (source), "content-"));
  g_assert_null (hookrun_source_get_commit (source));
  program = g_build_filename (hookrun_source_get_tree (source), "app/main.py", NULL);
  assert_file (source, "app/main.py", "print()");
  assert_file (source, "app/link", "print()");
  assert_file (source, "app/config/kept", "k");
  assert_file (source, "config/testing/settings.py", NULL);
  assert_file (source, "deployment.py", NULL);
  assert_file (source, "shop.ini", NULL);
  assert_file (source, ".gitignore", NULL);
  assert_file (source, "repo/.hookrun/lock", NULL);
  g_assert_true (g_file_test (program, G_FILE_TEST_IS_EXECUTABLE));
  g_assert_cmpint (time_of (source, "app/main.py"), ==, 1000000000);
}

static void
assert_new_version (Fixture *self, HookrunSource *source, const char *change, gboolean differs)
{
  g_autofree char *before = g_strdup (hookrun_source_get_version (source));

  shell (self, change);
  resolve (self, source);
  g_assert_true (g_str_equal (before, hookrun_source_get_version (source)) != differs);
}

static void
test_folder_version (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = folder_source (self, "");

  resolve (self, source);
  assert_new_version (self, source, "touch shop/app/main.py", FALSE);
  assert_new_version (self, source, "echo x >> shop/shop.ini; echo > shop/config/x", FALSE);
  assert_new_version (self, source, "echo x > shop/app/main.py", TRUE);
  assert_new_version (self, source, "chmod -x shop/app/main.py", TRUE);
  assert_new_version (self, source, "mv shop/app/main.py shop/app/m.py", TRUE);
  assert_new_version (self, source, "ln -sfn m.py shop/app/link", TRUE);
  assert_new_version (self, source, "mkdir shop/empty", TRUE);
}

static void
test_folder_with_version (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source =
      folder_source (self, "[release:stable]\nversion = 1.2\nversion-testing = 1.3\n");

  resolve (self, source);
  g_assert_cmpstr (hookrun_source_get_version (source), ==, "1.3");
}

static void
test_folder_with_fifo (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSource) source = folder_source (self, "");

  shell (self, "mkfifo shop/app/fifo");
  assert_refused (self, source, HOOKRUN_ERROR_INVALID,
                  "\"app/fifo\" is neither a file nor a folder nor a link");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("tag-beats-branch", test_tag_beats_branch);
  ADD ("tree", test_tree);
  ADD ("default-branch", test_default_branch);
  ADD ("detached-head", test_detached_head);
  ADD ("moved-branch", test_moved_branch);
  ADD ("deleted-tag", test_deleted_tag);
  ADD ("failures", test_failures);
  ADD ("submodule", test_submodule);
  ADD ("cancelled", test_cancelled);
  ADD ("cancelled/in-the-middle", test_cancelled_in_the_middle);
  ADD ("locked", test_locked);
  ADD ("no-hooks", test_no_hooks);
  ADD ("times", test_times);
  ADD ("trees-are-apart", test_trees_are_apart);
  ADD ("folder", test_folder);
  ADD ("folder/version", test_folder_version);
  ADD ("folder/with-version", test_folder_with_version);
  ADD ("folder/with-fifo", test_folder_with_fifo);
  return g_test_run ();
}
