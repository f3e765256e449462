/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a hostile module does: targets it must not reach, staged files that are something else, text
 * that deceives a terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "hookrun-staging-change-private.h"
#include "staging-fixture.h"

/* ---- targets ---- */

static void
assert_refused (StagingFixture *f, const char *target, HookrunError code)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *staged = hookrun_stage_declare (f->stage, target, &error);

  if (staged != NULL)
    g_error ("\"%s\" was accepted", target);
  g_assert_error (error, HOOKRUN_ERROR, (int)code);
}

static void
test_kernel_files (void)
{
  static const char *const targets[] = {
      "/proc/sys/kernel/core_pattern", "/sys/power/state",   "/dev/null",    "/dev/shm/new",
      "/proc/self/root/etc/passwd",    "/dev/../etc/passwd", "/proc/1/cwd/x"};
  StagingFixture f;

  staging_fixture_set_up (&f);
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    assert_refused (&f, targets[i], HOOKRUN_ERROR_PERMISSION);
  staging_fixture_tear_down (&f);
}

static void
test_malformed (void)
{
  StagingFixture f;

  staging_fixture_set_up (&f);
  assert_refused (&f, "", HOOKRUN_ERROR_INVALID);
  assert_refused (&f, "relative", HOOKRUN_ERROR_INVALID);
  assert_refused (&f, "/", HOOKRUN_ERROR_INVALID);
  assert_refused (&f, "/etc/", HOOKRUN_ERROR_INVALID);
  assert_refused (&f, "/etc/..", HOOKRUN_ERROR_INVALID);
  assert_refused (&f, "/tmp/\xff\xfe", HOOKRUN_ERROR_INVALID);
  assert_refused (&f, f.targets, HOOKRUN_ERROR_INVALID);
  assert_refused (&f, "/no/such/folder/file", HOOKRUN_ERROR_NOT_FOUND);
  assert_refused (&f, "/etc/passwd/file", HOOKRUN_ERROR_NOT_FOUND);
  staging_fixture_tear_down (&f);
}

static void
test_own_state (void)
{
  StagingFixture f;
  g_autofree char *ledger = NULL;
  g_autofree char *kept = NULL;
  g_autofree char *staged = NULL;
  g_autofree char *around = NULL;

  staging_fixture_set_up (&f);
  ledger = g_build_filename (f.state, "ledger", NULL);
  kept = g_build_filename (f.state, "kept", "c1-0", NULL);
  staged = g_build_filename (f.stages, "0-x", NULL);
  assert_refused (&f, ledger, HOOKRUN_ERROR_PERMISSION);
  assert_refused (&f, kept, HOOKRUN_ERROR_PERMISSION);
  assert_refused (&f, staged, HOOKRUN_ERROR_PERMISSION);
  /* Under another name it is the same folder. */
  staging_fixture_link (&f, "around", f.state);
  around = staging_fixture_target (&f, "around/ledger");
  assert_refused (&f, around, HOOKRUN_ERROR_PERMISSION);
  staging_fixture_tear_down (&f);
}

static void
test_devices_and_fifos (void)
{
  StagingFixture f;
  g_autofree char *fifo = NULL;
  g_autofree char *folder = NULL;

  staging_fixture_set_up (&f);
  fifo = staging_fixture_target (&f, "fifo");
  folder = staging_fixture_target (&f, "folder");
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  assert_refused (&f, fifo, HOOKRUN_ERROR_INVALID);
  assert_refused (&f, folder, HOOKRUN_ERROR_INVALID);
  staging_fixture_tear_down (&f);
}

/* A link of the module's own making on the way is refused; one of the system's is followed, and the
 * user sees where it leads. */
static void
test_links_on_the_way (void)
{
  StagingFixture f;
  g_autofree char *module_root = NULL;
  g_autofree char *trap = NULL;
  g_autofree char *through = NULL;
  g_autofree char *loop = NULL;
  g_autofree char *staged = NULL;
  g_autofree char *real = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_set_up (&f);
  module_root = g_build_filename (f.root, "module", NULL);
  trap = g_build_filename (module_root, "trap", NULL);
  through = g_build_filename (trap, "passwd", NULL);
  g_assert_cmpint (g_mkdir (module_root, 0700), ==, 0);
  g_assert_cmpint (symlink ("/etc", trap), ==, 0);
  g_assert_true (hookrun_stage_add_distrusted (f.stage, module_root, &error));
  assert_refused (&f, through, HOOKRUN_ERROR_UNTRUSTED);
  staging_fixture_link (&f, "loop", "loop");
  loop = staging_fixture_target (&f, "loop/file");
  assert_refused (&f, loop, HOOKRUN_ERROR_INVALID);

  staging_fixture_link (&f, "system", "../targets");
  staging_fixture_stage (&f, "system/a.conf", "text\n");
  changes = staging_fixture_freeze (&f);
  real = staging_fixture_target (&f, "a.conf");
  g_assert_cmpstr (hookrun_staged_change_get_path (changes->pdata[0]), ==, real);
  staging_fixture_tear_down (&f);
}

/* The folder is swapped for a link after the declaration: the change stays in the old one. */
static void
test_folder_swapped (void)
{
  StagingFixture f;
  g_autofree char *folder = NULL;
  g_autofree char *moved = NULL;
  g_autofree char *victim = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_set_up (&f);
  folder = staging_fixture_target (&f, "folder");
  moved = staging_fixture_target (&f, "moved");
  victim = staging_fixture_target (&f, "victim");
  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (victim, 0755), ==, 0);
  staging_fixture_stage (&f, "folder/a.conf", "text\n");
  staging_fixture_stage (&f, "folder/b.conf", "text\n");
  changes = staging_fixture_freeze (&f);
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_KEEP);
  g_assert_cmpint (rename (folder, moved), ==, 0);
  g_assert_cmpint (symlink ("victim", folder), ==, 0);
  /* Later, only the path is known; a link in it is a conflict. */
  pending = hookrun_staging_list_pending (f.staging, NULL);
  g_assert_true (hookrun_staged_change_get_conflict (pending->pdata[0]));
  staging_fixture_answer (pending, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f.staging, pending, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
  staging_fixture_assert (&f, "victim/a.conf", NULL);
  /* The folder that was pinned is the one that gets it. */
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "moved/a.conf", "text\n");
  staging_fixture_assert (&f, "victim/a.conf", NULL);
  staging_fixture_tear_down (&f);
}

/* ---- staged files ---- */

static void
assert_frozen_fails (StagingFixture *f, HookrunError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) changes = hookrun_stage_freeze (f->stage, &error);

  g_assert_null (changes);
  g_assert_error (error, HOOKRUN_ERROR, (int)code);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" lacks \"%s\"", error->message, part);
}

static void
test_staged_fifo_device_folder (void)
{
  static const struct {
    mode_t mode;
    const char *word;
  } kinds[] = {{S_IFIFO | 0600, "FIFO"}, {S_IFSOCK | 0600, "socket"}, {S_IFDIR | 0700, "folder"}};

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    StagingFixture f;
    g_autofree char *staged = NULL;

    staging_fixture_set_up (&f);
    staging_fixture_write (&f, "a.conf", "old\n", 0644);
    staged = staging_fixture_declare (&f, "a.conf");
    g_assert_cmpint (g_unlink (staged), ==, 0);
    g_assert_cmpint (
        S_ISDIR (kinds[i].mode) ? g_mkdir (staged, 0700) : mknod (staged, kinds[i].mode, 0), ==, 0);
    assert_frozen_fails (&f, HOOKRUN_ERROR_INVALID, kinds[i].word);
    staging_fixture_assert (&f, "a.conf", "old\n");
    staging_fixture_tear_down (&f);
  }
}

/* Only root can make a device; the word for it comes from the same table for all. */
static void
test_staged_device (void)
{
  StagingFixture f;
  g_autofree char *staged = NULL;

  staging_fixture_set_up (&f);
  staged = staging_fixture_declare (&f, "a.conf");
  if (mknod (staged, S_IFCHR | 0600, makedev (1, 9)) == 0) {
    assert_frozen_fails (&f, HOOKRUN_ERROR_INVALID, "device");
  } else {
    g_assert_cmpint (errno, ==, EPERM);
    assert_refused (&f, "/dev/urandom", HOOKRUN_ERROR_PERMISSION);
  }
  staging_fixture_tear_down (&f);
}

static void
test_staged_hard_link (void)
{
  StagingFixture f;
  g_autofree char *staged = NULL;
  g_autofree char *other = NULL;

  staging_fixture_set_up (&f);
  staged = staging_fixture_declare (&f, "a.conf");
  staging_fixture_write (&f, "secret", "secret\n", 0600);
  other = staging_fixture_target (&f, "secret");
  g_assert_cmpint (link (other, staged), ==, 0);
  assert_frozen_fails (&f, HOOKRUN_ERROR_INVALID, "hard links");
  staging_fixture_tear_down (&f);
}

/* A link is a link: it is shown as one and never followed. */
static void
test_staged_link (void)
{
  StagingFixture f;
  g_autofree char *staged = NULL;
  g_autofree char *secret = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *wanted = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GBytes) content = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "secret", "secret\n", 0600);
  staging_fixture_write (&f, "a.conf", "old\n", 0644);
  secret = staging_fixture_target (&f, "secret");
  staged = staging_fixture_declare (&f, "a.conf");
  g_assert_cmpint (g_unlink (staged), ==, 0);
  g_assert_cmpint (symlink (secret, staged), ==, 0);
  changes = staging_fixture_freeze (&f);
  shown = hookrun_staged_change_show (changes->pdata[0], NULL);
  wanted = g_strdup_printf ("+symlink to %s\n", secret);
  g_assert_true (g_str_has_prefix (shown, "file becomes symlink\n"));
  g_assert_nonnull (strstr (shown, wanted));
  g_assert_null (strstr (shown, "+secret"));
  content = hookrun_staged_change_load_new (changes->pdata[0], NULL);
  g_assert_cmpuint (g_bytes_get_size (content), ==, 0);
  staging_fixture_tear_down (&f);
}

static void
test_staged_huge (void)
{
  StagingFixture f;
  g_autofree char *staged = NULL;
  g_autofree char *other = NULL;

  staging_fixture_set_up (&f);
  hookrun_staging_set_max_size (f.staging, 1000);
  staged = staging_fixture_declare (&f, "a.conf");
  g_assert_true (g_file_set_contents (staged, "", 0, NULL));
  g_assert_cmpint (truncate (staged, G_GINT64_CONSTANT (1) << 40), ==, 0);
  /* All faults are told at once. */
  other = staging_fixture_declare (&f, "b.conf");
  g_assert_cmpint (symlink ("\xff", other), ==, 0);
  assert_frozen_fails (&f, HOOKRUN_ERROR_INVALID, "shop has 2 faults");
  staging_fixture_tear_down (&f);
}

static void
test_too_many (void)
{
  StagingFixture f;
  g_autofree char *last = NULL;

  staging_fixture_set_up (&f);
  for (guint i = 0; i < 512; i++) {
    g_autofree char *name = g_strdup_printf ("%u.conf", i);
    g_autofree char *staged = staging_fixture_declare (&f, name);
  }
  last = staging_fixture_target (&f, "last.conf");
  assert_refused (&f, last, HOOKRUN_ERROR_LIMIT);
  staging_fixture_tear_down (&f);
}

/* What was read is what is applied, whatever happens to the stage afterwards. */
static void
test_changed_after_freeze (void)
{
  StagingFixture f;
  g_autofree char *staged = NULL;
  g_autoptr (GPtrArray) changes = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_stage (&f, "a.conf", "shown\n");
  staged = staging_fixture_declare (&f, "a.conf");
  changes = staging_fixture_freeze (&f);
  g_assert_true (g_file_set_contents (staged, "evil\n", -1, NULL));
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "a.conf", "shown\n");
  staging_fixture_tear_down (&f);
}

/* ---- the difference ---- */

static char *
show_change (StagingFixture *f, const char *old, const char *text, gsize length)
{
  g_autofree char *staged = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;
  char *shown;

  staging_fixture_write (f, "a.conf", old, 0644);
  staged = staging_fixture_declare (f, "a.conf");
  g_assert_true (g_file_set_contents (staged, text, (gssize)length, NULL));
  g_assert_cmpint (g_chmod (staged, 0644), ==, 0);
  changes = staging_fixture_freeze (f);
  shown = hookrun_staged_change_show (changes->pdata[0], &error);
  g_assert_no_error (error);
  return shown;
}

static void
test_difference (void)
{
  static const char evil[] = "one\ntwo \x1b[2J\x1b]0;title\x07 \xe2\x80\xae"
                             "txt.exe\r\x85\n"
                             "\xc2\x9b"
                             "31m \xe2\x81\xa6 a\xe2\x80\x8b"
                             "b \xf3\xa0\x81\x81\n";
  StagingFixture f;
  g_autofree char *shown = NULL;
  const char *body;

  staging_fixture_set_up (&f);
  shown = show_change (&f, "one\ntwo\n", evil, strlen (evil));
  body = strstr (shown, "@@");
  g_assert_nonnull (body);
  g_assert_cmpstr (body, ==,
                   "@@ -1,2 +1,3 @@\n one\n-two\n+two \\x1b[2J\\x1b]0;title\\x07 \\u202etxt.exe\\r"
                   "\\x85\n+\\u009b31m \\u2066 a\\u200bb \\U000e0041\n");
  staging_fixture_tear_down (&f);
}

static void
test_difference_of_binary (void)
{
  StagingFixture f;
  g_autofree char *shown = NULL;

  staging_fixture_set_up (&f);
  shown = show_change (&f, "text\n", "a\0b\x1b", 4);
  g_assert_nonnull (strstr (shown, "\n-text\n+<Binary Data>\n"));
  staging_fixture_tear_down (&f);
}

static void
test_difference_is_cut (void)
{
  StagingFixture f;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *shown = NULL;

  staging_fixture_set_up (&f);
  while (text->len < 3 * 1024 * 1024)
    g_string_append_printf (text, "line %" G_GSIZE_FORMAT "\n", text->len);
  shown = show_change (&f, "", text->str, text->len);
  g_assert_nonnull (strstr (shown, "the rest is not shown]\n"));
  g_assert_cmpuint (strlen (shown), <, 2 * 1024 * 1024);
  staging_fixture_tear_down (&f);
}

/* A line of any length is one line, so none can pretend to be several. */
static void
test_long_line (void)
{
  StagingFixture f;
  g_autofree char *text = g_strnfill (100000, 'x');
  g_autofree char *shown = NULL;
  g_auto (GStrv) lines = NULL;

  staging_fixture_set_up (&f);
  text[99999] = '\n';
  shown = show_change (&f, "y\n", text, 100000);
  lines = g_strsplit (strstr (shown, "@@"), "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_cmpuint (strlen (lines[2]), ==, 100000);
  staging_fixture_tear_down (&f);
}

static void
test_difference_of_names (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autofree char *staged = NULL;
  g_autofree char *shown = NULL;

  staging_fixture_set_up (&f);
  staged = staging_fixture_declare (&f, "a\n+++ \x1b[31mb");
  g_assert_cmpint (symlink ("/x\n-y\xe2\x80\xae", staged), ==, 0);
  changes = staging_fixture_freeze (&f);
  shown = hookrun_staged_change_show (changes->pdata[0], NULL);
  g_assert_nonnull (strstr (shown, "/a\\n+++ \\x1b[31mb\n"));
  g_assert_nonnull (strstr (shown, "\n+symlink to /x\\n-y\\u202e\n"));
  staging_fixture_tear_down (&f);
}

static void
test_visible (void)
{
  static const struct {
    const char *text;
    const char *visible;
  } rows[] = {
      {"plain\ttext", "plain\ttext"},
      {"Grüße, 日本語, emoji 🙂", "Grüße, 日本語, emoji 🙂"},
      {"a\nb", "a\\nb"},
      {"\x7f\x01", "\\x7f\\x01"},
      {"\xc2\xa0\xe3\x80\x80", "\\u00a0\\u3000"},
      {"\xef\xbb\xbf", "\\ufeff"},
      {"\xe2\x80\xa8", "\\u2028"},
      {"\xe3\x85\xa4\xef\xbe\xa0\xcd\x8f", "\\u3164\\uffa0\\u034f"},
      {"\xff\xc3", "\\xff\\xc3"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *visible =
        hookrun_staging_make_visible (rows[i].text, strlen (rows[i].text), FALSE);

    g_assert_cmpstr (visible, ==, rows[i].visible);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/staging/target/kernel-files", test_kernel_files);
  g_test_add_func ("/staging/target/malformed", test_malformed);
  g_test_add_func ("/staging/target/own-state", test_own_state);
  g_test_add_func ("/staging/target/devices-and-fifos", test_devices_and_fifos);
  g_test_add_func ("/staging/target/links-on-the-way", test_links_on_the_way);
  g_test_add_func ("/staging/target/folder-swapped", test_folder_swapped);
  g_test_add_func ("/staging/target/too-many", test_too_many);
  g_test_add_func ("/staging/freeze/fifo-socket-folder", test_staged_fifo_device_folder);
  g_test_add_func ("/staging/freeze/device", test_staged_device);
  g_test_add_func ("/staging/freeze/hard-link", test_staged_hard_link);
  g_test_add_func ("/staging/freeze/link-is-not-followed", test_staged_link);
  g_test_add_func ("/staging/freeze/huge-and-all-faults-at-once", test_staged_huge);
  g_test_add_func ("/staging/freeze/changed-afterwards", test_changed_after_freeze);
  g_test_add_func ("/staging/show/escapes-and-bidi", test_difference);
  g_test_add_func ("/staging/show/binary", test_difference_of_binary);
  g_test_add_func ("/staging/show/cut", test_difference_is_cut);
  g_test_add_func ("/staging/show/long-line-is-one-line", test_long_line);
  g_test_add_func ("/staging/show/names", test_difference_of_names);
  g_test_add_func ("/staging/show/visible", test_visible);
  return g_test_run ();
}
