/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the user is told about a change but for the content: owner, access lists, extended
 * attributes, other names; and that none of it can deceive a terminal.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "hookrun-staging-change-private.h"
#include "staging-fixture.h"

/* Owner rw, user 77 r, group r, mask r, others none. */
static const guint8 access_list[] = {
    2, 0,  0,    0,    1,    0,    6,    0, 0xff, 0xff, 0xff, 0xff, 2,    0,    4,
    0, 77, 0,    0,    0,    4,    0,    4, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
    4, 0,  0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,    0,    0xff, 0xff, 0xff, 0xff,
};

#define LIST_TEXT "user::rw-,user:77:r--,group::r--,mask::r--,other::---"

/* One attribute a call; names in order. */
static void
add_attribute (GByteArray *blob, const char *name, const void *value, gsize length)
{
  guint32 size = GUINT32_TO_LE ((guint32)length);

  g_byte_array_append (blob, (const guint8 *)name, (guint)strlen (name) + 1);
  g_byte_array_append (blob, (const guint8 *)&size, sizeof size);
  g_byte_array_append (blob, value, (guint)length);
}

static HookrunStagedVersion *
version_with (GByteArray *blob)
{
  g_autoptr (GBytes) content = g_bytes_new_static ("same\n", 5);
  HookrunStagedVersion *version = hookrun_staged_version_new_file (content);

  version->mode = 0644;
  version->uid = (guint)geteuid ();
  version->gid = (guint)getegid ();
  if (blob->len > 0)
    version->xattrs = g_bytes_new (blob->data, blob->len);
  return version;
}

/* The lines above the two that name the file; (transfer full). */
static char *
heads_of (HookrunStagedChange *change)
{
  g_autoptr (GError) error = NULL;
  char *shown = hookrun_staged_change_show (change, &error);
  char *body;

  g_assert_no_error (error);
  body = strstr (shown, "--- /");
  g_assert_nonnull (body);
  *body = '\0';
  return shown;
}

static char *
show_attributes (GByteArray *old_blob, GByteArray *new_blob)
{
  StagingFixture f;
  g_autoptr (HookrunStagedVersion) old = version_with (old_blob);
  g_autoptr (HookrunStagedVersion) new = version_with (new_blob);
  g_autoptr (HookrunStagedChange) change = NULL;
  g_autofree char *path = NULL;
  char *shown;

  staging_fixture_set_up (&f);
  path = staging_fixture_target (&f, "a.conf");
  change = hookrun_staged_change_new (f.staging, "shop", path, old, new);
  shown = heads_of (change);
  g_clear_object (&change);
  staging_fixture_tear_down (&f);
  return shown;
}

static void
test_added_changed_removed (void)
{
  g_autoptr (GByteArray) old = g_byte_array_new ();
  g_autoptr (GByteArray) new = g_byte_array_new ();
  g_autofree char *shown = NULL;

  add_attribute (old, "user.changed", "one", 3);
  add_attribute (old, "user.removed", "gone", 4);
  add_attribute (old, "user.same", "same", 4);
  add_attribute (new, "user.added", "", 0);
  add_attribute (new, "user.changed", "two", 3);
  add_attribute (new, "user.same", "same", 4);
  shown = show_attributes (old, new);
  g_assert_cmpstr (shown, ==,
                   "attribute user.changed \"one\" becomes \"two\"\n"
                   "attribute user.removed \"gone\" is removed\n"
                   "attribute user.added \"\" is added\n");
}

static void
test_access_list (void)
{
  g_autoptr (GByteArray) none = g_byte_array_new ();
  g_autoptr (GByteArray) list = g_byte_array_new ();
  g_autoptr (GByteArray) wider = g_byte_array_new ();
  g_autofree char *removed = NULL;
  g_autofree char *changed = NULL;
  guint8 other[sizeof access_list];

  memcpy (other, access_list, sizeof other);
  other[14] = 7; /* what user 77 may do */
  add_attribute (list, "system.posix_acl_access", access_list, sizeof access_list);
  add_attribute (wider, "system.posix_acl_access", other, sizeof other);
  removed = show_attributes (list, none);
  g_assert_cmpstr (removed, ==, "access list " LIST_TEXT " is removed\n");
  changed = show_attributes (list, wider);
  g_assert_cmpstr (changed, ==,
                   "access list " LIST_TEXT
                   " becomes user::rw-,user:77:rwx,group::r--,mask::r--,other::---\n");
}

/* No value can end its line, move the cursor or turn the text around; none is longer than a line
 * or two; a list of no known form is shown as it is. */
static void
test_deceiving (void)
{
  g_autoptr (GByteArray) none = g_byte_array_new ();
  g_autoptr (GByteArray) evil = g_byte_array_new ();
  g_autofree char *large = g_strnfill (60000, 'x');
  g_autofree char *shown = NULL;
  g_auto (GStrv) lines = NULL;

  add_attribute (evil, "system.posix_acl_access", "\2\0\0\0\x63\0\7\0\0\0\0\0", 12);
  add_attribute (evil, "user.a\n\x1b[2J", "v\n+fake \xe2\x80\xae\xff", 12);
  add_attribute (evil, "user.large", large, 60000);
  shown = show_attributes (none, evil);
  lines = g_strsplit (shown, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_cmpstr (lines[0], ==,
                   "access list \"\\x02\\x00\\x00\\x00c\\x00\\x07\\x00\\x00\\x00\\x00\\x00\" is "
                   "added");
  g_assert_cmpstr (lines[1], ==, "attribute user.a\\n\\x1b[2J \"v\\n+fake \\u202e\\xff\" is added");
  g_assert_true (g_str_has_suffix (lines[2], "xxx\"… (60000 bytes) is added"));
  g_assert_cmpuint (strlen (lines[2]), <, 160);
}

/* A link has no attributes of its own, so those of the file go. */
static void
test_file_becomes_link (void)
{
  StagingFixture f;
  g_autofree char *path = NULL;
  g_autofree char *staged = NULL;
  g_autofree char *shown = NULL;
  g_autoptr (GPtrArray) changes = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0644);
  path = staging_fixture_target (&f, "a.conf");
  g_assert_cmpint (setxattr (path, "user.note", "kept", 4, 0), ==, 0);
  staged = staging_fixture_declare (&f, "a.conf");
  g_assert_cmpint (g_unlink (staged), ==, 0);
  g_assert_cmpint (symlink ("other", staged), ==, 0);
  changes = staging_fixture_freeze (&f);
  shown = heads_of (changes->pdata[0]);
  g_assert_cmpstr (shown, ==, "file becomes symlink\nattribute user.note \"kept\" is removed\n");
  staging_fixture_tear_down (&f);
}

/* Also when it has been kept pending, and another program shows it. */
static void
test_new_file_inherits (void)
{
  StagingFixture f;
  g_autofree char *shown = NULL;
  g_autofree char *later = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GPtrArray) pending = NULL;

  staging_fixture_set_up (&f);
  g_assert_cmpint (
      setxattr (f.targets, "system.posix_acl_default", access_list, sizeof access_list, 0), ==, 0);
  staging_fixture_stage (&f, "fresh.conf", "fresh\n");
  changes = staging_fixture_freeze (&f);
  shown = heads_of (changes->pdata[0]);
  g_assert_true (g_str_has_prefix (shown, "new file, mode "));
  g_assert_true (g_str_has_suffix (shown, "\naccess list " LIST_TEXT " comes from the folder\n"));
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_KEEP);
  staging_fixture_reopen (&f);
  pending = hookrun_staging_list_pending (f.staging, NULL);
  later = heads_of (pending->pdata[0]);
  g_assert_cmpstr (later, ==, shown);
  staging_fixture_tear_down (&f);
}

static void
test_other_names (void)
{
  StagingFixture f;
  g_autofree char *path = NULL;
  g_autofree char *other = NULL;
  g_autofree char *shown = NULL;
  g_autoptr (GPtrArray) changes = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0644);
  path = staging_fixture_target (&f, "a.conf");
  other = staging_fixture_target (&f, "second-name");
  g_assert_cmpint (link (path, other), ==, 0);
  staging_fixture_stage (&f, "a.conf", "new\n");
  changes = staging_fixture_freeze (&f);
  shown = heads_of (changes->pdata[0]);
  g_assert_cmpstr (shown, ==,
                   "the file has 1 other name (hard links): the old version stays there\n");
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "a.conf", "new\n");
  staging_fixture_assert (&f, "second-name", "old\n");
  staging_fixture_tear_down (&f);
}

static void
test_owner (void)
{
  StagingFixture f;
  g_autoptr (GByteArray) none = g_byte_array_new ();
  g_autoptr (HookrunStagedVersion) old = version_with (none);
  g_autoptr (HookrunStagedVersion) new = version_with (none);
  g_autoptr (HookrunStagedChange) change = NULL;
  g_autofree char *shown = NULL;

  staging_fixture_set_up (&f);
  old->uid = old->gid = 0;
  new->uid = 4000000001;
  new->gid = 0;
  change = hookrun_staged_change_new (f.staging, "shop", "/etc/a.conf", old, new);
  shown = heads_of (change);
  g_assert_cmpstr (shown, ==, "owner root:root becomes 4000000001:root\n");
  g_clear_object (&change);
  staging_fixture_tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/staging/metadata/attributes", test_added_changed_removed);
  g_test_add_func ("/staging/metadata/access-list", test_access_list);
  g_test_add_func ("/staging/metadata/deceiving-a-terminal", test_deceiving);
  g_test_add_func ("/staging/metadata/file-becomes-link", test_file_becomes_link);
  g_test_add_func ("/staging/metadata/new-file-inherits", test_new_file_inherits);
  g_test_add_func ("/staging/metadata/other-names", test_other_names);
  g_test_add_func ("/staging/metadata/owner", test_owner);
  return g_test_run ();
}
