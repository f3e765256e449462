/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the user can answer, what stays pending, what is remembered, and merging. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "staging-fixture.h"

static GPtrArray *
list_pending (StagingFixture *f)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *changes = hookrun_staging_list_pending (f->staging, &error);

  g_assert_no_error (error);
  return changes;
}

static GPtrArray *
stage_one (StagingFixture *f, const char *name, const char *text)
{
  staging_fixture_new_stage (f, "shop");
  staging_fixture_stage (f, name, text);
  return staging_fixture_freeze (f);
}

static void
test_keys (void)
{
  HookrunStagingAnswer answer;

  g_assert_true (hookrun_staging_answer_parse ("y", &answer));
  g_assert_cmpint (answer, ==, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_true (hookrun_staging_answer_parse ("N", &answer));
  g_assert_cmpint (answer, ==, HOOKRUN_STAGING_ANSWER_NEVER);
  g_assert_true (hookrun_staging_answer_parse (NULL, &answer));
  g_assert_cmpint (answer, ==, HOOKRUN_STAGING_ANSWER_DISCARD);
  g_assert_false (hookrun_staging_answer_parse ("yes", &answer));
  g_assert_false (hookrun_staging_answer_parse ("m", &answer));
  g_assert_cmpint (answer, ==, HOOKRUN_STAGING_ANSWER_ASK);
}

/* Not answered, the program ends; another one decides. */
static void
test_pending_survives (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autofree char *shown = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0600);
  staging_fixture_write (&f, "c.conf", "", 0600);
  staging_fixture_stage (&f, "a.conf", "new\n");
  staging_fixture_stage (&f, "b.conf", "");
  staging_fixture_stage (&f, "c.conf", "filled\n");
  changes = staging_fixture_freeze (&f);
  g_assert_cmpuint (staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_ASK), ==, 0);
  g_clear_pointer (&changes, g_ptr_array_unref);
  staging_fixture_reopen (&f);
  pending = list_pending (&f);
  g_assert_cmpuint (pending->len, ==, 3);
  g_assert_cmpuint (hookrun_staged_change_get_id (pending->pdata[0]), >, 0);
  shown = hookrun_staged_change_show (pending->pdata[0], NULL);
  g_assert_nonnull (strstr (shown, "\n-old\n+new\n"));
  staging_fixture_assert (&f, "a.conf", "old\n");
  staging_fixture_settle (&f, pending, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "a.conf", "new\n");
  staging_fixture_assert (&f, "b.conf", "");
  staging_fixture_assert (&f, "c.conf", "filled\n");
  g_ptr_array_unref (pending);
  pending = list_pending (&f);
  g_assert_cmpuint (pending->len, ==, 0);
  staging_fixture_tear_down (&f);
}

static void
test_newer_takes_place_of_older (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GBytes) content = NULL;

  staging_fixture_set_up (&f);
  first = stage_one (&f, "a.conf", "first\n");
  staging_fixture_settle (&f, first, HOOKRUN_STAGING_ANSWER_KEEP);
  second = stage_one (&f, "a.conf", "second\n");
  staging_fixture_settle (&f, second, HOOKRUN_STAGING_ANSWER_KEEP);
  pending = list_pending (&f);
  g_assert_cmpuint (pending->len, ==, 1);
  content = hookrun_staged_change_load_new (pending->pdata[0], NULL);
  g_assert_cmpint (memcmp (g_bytes_get_data (content, NULL), "second\n", 7), ==, 0);
  staging_fixture_tear_down (&f);
}

static void
test_discard (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GPtrArray) left = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_set_up (&f);
  changes = stage_one (&f, "a.conf", "new\n");
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_KEEP);
  pending = list_pending (&f);
  staging_fixture_settle (&f, pending, HOOKRUN_STAGING_ANSWER_DISCARD);
  left = list_pending (&f);
  g_assert_cmpuint (left->len, ==, 0);
  staging_fixture_assert (&f, "a.conf", NULL);
  /* Settled by one program, it is gone for another. */
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f.staging, changes, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  staging_fixture_tear_down (&f);
}

static void
test_always (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GPtrArray) other = NULL;
  g_autoptr (GPtrArray) mode = NULL;
  g_autofree char *staged = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0644);
  first = stage_one (&f, "a.conf", "new\n");
  staging_fixture_settle (&f, first, HOOKRUN_STAGING_ANSWER_ALWAYS);
  staging_fixture_reopen (&f);
  second = stage_one (&f, "a.conf", "newer\n");
  g_assert_cmpint (hookrun_staged_change_get_answer (second->pdata[0]), ==,
                   HOOKRUN_STAGING_ANSWER_ALWAYS);
  /* Another module asks; and so does a change of the mode. */
  staging_fixture_new_stage (&f, "other");
  staging_fixture_stage (&f, "a.conf", "theirs\n");
  other = staging_fixture_freeze (&f);
  g_assert_cmpint (hookrun_staged_change_get_answer (other->pdata[0]), ==,
                   HOOKRUN_STAGING_ANSWER_ASK);
  staging_fixture_new_stage (&f, "shop");
  staged = staging_fixture_declare (&f, "a.conf");
  g_assert_cmpint (g_chmod (staged, 0777), ==, 0);
  mode = staging_fixture_freeze (&f);
  g_assert_cmpint (hookrun_staged_change_get_answer (mode->pdata[0]), ==,
                   HOOKRUN_STAGING_ANSWER_ASK);
  staging_fixture_tear_down (&f);
}

static void
test_never_and_forgotten (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GPtrArray) third = NULL;
  g_autoptr (JsonNode) choices = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *choice;

  staging_fixture_set_up (&f);
  first = stage_one (&f, "a.conf", "new\n");
  staging_fixture_settle (&f, first, HOOKRUN_STAGING_ANSWER_NEVER);
  staging_fixture_assert (&f, "a.conf", NULL);
  staging_fixture_reopen (&f);
  second = stage_one (&f, "a.conf", "newer\n");
  g_assert_cmpint (hookrun_staged_change_get_answer (second->pdata[0]), ==,
                   HOOKRUN_STAGING_ANSWER_NEVER);
  choices = hookrun_staging_list_choices (f.staging, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (choices)), ==, 1);
  choice = json_array_get_object_element (json_node_get_array (choices), 0);
  g_assert_cmpstr (json_object_get_string_member (choice, "choice"), ==, "never");
  g_assert_cmpstr (json_object_get_string_member (choice, "module"), ==, "shop");
  g_assert_true (hookrun_staging_set_choice (f.staging, "shop",
                                             json_object_get_string_member (choice, "path"),
                                             HOOKRUN_STAGING_ANSWER_ASK, &error));
  third = stage_one (&f, "a.conf", "newest\n");
  g_assert_cmpint (hookrun_staged_change_get_answer (third->pdata[0]), ==,
                   HOOKRUN_STAGING_ANSWER_ASK);
  staging_fixture_tear_down (&f);
}

/* Changed between question and commit: all three versions are there, and a merge resolves it. */
static void
test_conflict_and_merge (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GBytes) base = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *orig = NULL;
  g_autofree char *wanted = NULL;
  g_autofree char *merged = NULL;
  g_autofree char *text = NULL;
  g_autofree char *shown = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "one\ntwo\n", 0644);
  changes = stage_one (&f, "a.conf", "one\ntwo\nthree\n");
  staging_fixture_write (&f, "a.conf", "zero\none\ntwo\n", 0640);
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f.staging, changes, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_true (hookrun_staged_change_get_conflict (changes->pdata[0]));
  staging_fixture_reopen (&f);
  pending = list_pending (&f);
  g_assert_cmpuint (pending->len, ==, 1);
  g_assert_true (hookrun_staged_change_get_conflict (pending->pdata[0]));
  base = hookrun_staged_change_load_old (pending->pdata[0], &error);
  g_assert_cmpuint (g_bytes_get_size (base), ==, strlen ("one\ntwo\n"));
  shown = hookrun_staged_change_show (pending->pdata[0], NULL);
  g_assert_nonnull (strstr (shown, "conflict: "));

  g_assert_true (
      hookrun_staged_change_export_merge (pending->pdata[0], &orig, &wanted, &merged, &error));
  g_assert_true (g_file_get_contents (orig, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "zero\none\ntwo\n");
  g_assert_true (g_file_set_contents (merged, "zero\none\ntwo\nthree\n", -1, NULL));
  g_assert_true (hookrun_staged_change_import_merge (pending->pdata[0], &error));
  g_assert_false (g_file_test (orig, G_FILE_TEST_EXISTS));
  g_assert_cmpint (hookrun_staged_change_get_answer (pending->pdata[0]), ==,
                   HOOKRUN_STAGING_ANSWER_ASK);
  g_assert_cmpuint (hookrun_staged_change_get_new_mode (pending->pdata[0]), ==, 0640);
  /* Kept again, and only then applied. */
  staging_fixture_settle (&f, pending, HOOKRUN_STAGING_ANSWER_KEEP);
  g_ptr_array_unref (pending);
  staging_fixture_reopen (&f);
  pending = list_pending (&f);
  g_assert_cmpuint (pending->len, ==, 1);
  staging_fixture_settle (&f, pending, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "a.conf", "zero\none\ntwo\nthree\n");
  staging_fixture_tear_down (&f);
}

static void
test_merge_of_links_is_refused (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *orig = NULL;
  g_autofree char *wanted = NULL;
  g_autofree char *merged = NULL;

  staging_fixture_set_up (&f);
  changes = stage_one (&f, "a.conf", "text\n");
  staging_fixture_link (&f, "a.conf", "/etc/passwd");
  g_assert_false (
      hookrun_staged_change_export_merge (changes->pdata[0], &orig, &wanted, &merged, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (hookrun_staged_change_import_merge (changes->pdata[0], &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  staging_fixture_tear_down (&f);
}

/* Damaged or lost kept versions are noticed, and nothing is applied from them. */
static void
test_kept_version_damaged (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *kept = NULL;

  staging_fixture_set_up (&f);
  changes = stage_one (&f, "a.conf", "good\n");
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_KEEP);
  kept = g_strdup_printf ("%s/kept/p%" G_GUINT64_FORMAT "-new", f.state,
                          hookrun_staged_change_get_id (changes->pdata[0]));
  g_assert_true (g_file_set_contents (kept, "evil\n", -1, NULL));
  pending = list_pending (&f);
  staging_fixture_answer (pending, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f.staging, pending, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  staging_fixture_assert (&f, "a.conf", NULL);
  staging_fixture_tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/staging/answer/keys", test_keys);
  g_test_add_func ("/staging/answer/discard", test_discard);
  g_test_add_func ("/staging/answer/always-but-not-for-mode", test_always);
  g_test_add_func ("/staging/answer/never-until-forgotten", test_never_and_forgotten);
  g_test_add_func ("/staging/pending/survives-the-program", test_pending_survives);
  g_test_add_func ("/staging/pending/newer-takes-place-of-older", test_newer_takes_place_of_older);
  g_test_add_func ("/staging/pending/kept-version-damaged", test_kept_version_damaged);
  g_test_add_func ("/staging/merge/conflict-keeps-three-versions", test_conflict_and_merge);
  g_test_add_func ("/staging/merge/links-are-refused", test_merge_of_links_is_refused);
  return g_test_run ();
}
