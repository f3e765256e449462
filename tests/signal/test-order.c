/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a handler runs: names, priority, registration, replacing, subjects, and the reasons given.
 */
#include "fixture.h"

static void
test_registration (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", NULL);
  fixture_connect (fixture, "b", NULL);
  fixture_connect (fixture, "c", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a b c");
}

static void
test_priority (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "late", options (.priority = 10));
  fixture_connect (fixture, "usual", NULL);
  fixture_connect (fixture, "early", options (.priority = -10));
  fixture_connect (fixture, "usual-too", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "early usual usual-too late");
}

static void
test_names_beat_priority (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", options (.priority = -10, .after = ids ("b")));
  fixture_connect (fixture, "b", options (.priority = 10));
  fixture_connect (fixture, "c", options (.before = ids ("b"), .priority = 99));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "c b a");
}

static void
test_several_names (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", NULL);
  fixture_connect (fixture, "b", NULL);
  fixture_connect (fixture, "c", NULL);
  fixture_connect (fixture, "d", options (.after = ids ("a"), .before = ids ("b", "c")));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a d b c");
}

static void
test_unknown_ids_are_ignored_until_known (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", options (.after = ids ("nobody", "late")));
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a b");
  fixture_connect (fixture, "late", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "b late a");
}

static void
test_default_is_last (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "default", options (.is_default = TRUE, .priority = -99));
  fixture_connect (fixture, "a", options (.priority = 99));
  fixture_connect (fixture, "after", options (.after = ids ("default")));
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "b a default after");
}

static void
test_cycle_names_the_path (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "z", NULL);
  fixture_connect (fixture, "a", options (.before = ids ("b")));
  fixture_connect (fixture, "b", options (.before = ids ("c")));
  fixture_refuse (fixture, "c", options (.before = ids ("a")), HOOKRUN_ERROR_CYCLE,
                  "signal \"test.signal\": cannot connect handler \"c\": *circle: \"b\" before "
                  "\"c\" before \"a\" before \"b\"; drop one*");
  fixture_expect (fixture, HOOKRUN_CONTINUE, "z a b");
}

static void
test_cycle_of_two (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", options (.after = ids ("b")));
  fixture_refuse (fixture, "b", options (.after = ids ("a")), HOOKRUN_ERROR_CYCLE,
                  "*circle: \"?\" before \"?\" before \"?\"; *");
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a");
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "b a");
}

static void
test_refused_ids (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *huge = g_strnfill (257, 'x');

  fixture_connect (fixture, "a", NULL);
  fixture_refuse (fixture, "a", NULL, HOOKRUN_ERROR_EXISTS,
                  "*plugin \"tester\", handler \"a\" is connected already*");
  fixture_connect (fixture, "a", options (.subject = "shop"));
  fixture_refuse (fixture, "a", options (.subject = "shop"), HOOKRUN_ERROR_EXISTS, "*shop*");
  fixture_refuse (fixture, "", NULL, HOOKRUN_ERROR_INVALID, "*1 to 256*");
  fixture_refuse (fixture, huge, NULL, HOOKRUN_ERROR_INVALID, "*1 to 256*");
  fixture_refuse (fixture, "\xff", NULL, HOOKRUN_ERROR_INVALID, "*UTF-8*");
  fixture_refuse (fixture, "b", options (.subject = ""), HOOKRUN_ERROR_INVALID, "*subject*");
  fixture_refuse (fixture, "b", options (.replaces = "b"), HOOKRUN_ERROR_INVALID, "*itself*");
  fixture_expect_for (fixture, "shop", HOOKRUN_CONTINUE, "a a");
}

/* ---- replacing ---- */

static void
test_replace_takes_the_place (Fixture *fixture, gconstpointer unused)
{
  guint64 replacer;

  fixture_connect (fixture, "a", NULL);
  fixture_connect (fixture, "b", NULL);
  fixture_connect (fixture, "c", NULL);
  replacer = fixture_connect (fixture, "other", options (.replaces = "b", .priority = 50));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a other c");
  g_assert_true (hookrun_signal_disconnect (fixture->signal, replacer));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a b c");
}

static void
test_replace_what_comes_later (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "other", options (.replaces = "b"));
  fixture_connect (fixture, "a", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "other a");
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a other");
}

static void
test_replace_inherits_names (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "last", NULL);
  fixture_connect (fixture, "b", options (.before = ids ("last")));
  fixture_connect (fixture, "first", options (.before = ids ("b")));
  fixture_connect (fixture, "other", options (.replaces = "b"));
  fixture_connect (fixture, "mid", options (.after = ids ("other"), .before = ids ("last")));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "first other mid last");
}

static void
test_replacers_stack (Fixture *fixture, gconstpointer unused)
{
  guint64 one, two, three;

  fixture_connect (fixture, "a", NULL);
  fixture_connect (fixture, "z", NULL);
  one = fixture_connect (fixture, "one", options (.replaces = "a"));
  two = fixture_connect (fixture, "two", options (.replaces = "a"));
  three = fixture_connect (fixture, "three", options (.replaces = "two"));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "three z");
  hookrun_signal_disconnect (fixture->signal, three);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "two z");
  hookrun_signal_disconnect (fixture->signal, two);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "one z");
  hookrun_signal_disconnect (fixture->signal, one);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a z");
}

static void
test_replace_original_goes (Fixture *fixture, gconstpointer unused)
{
  guint64 original = fixture_connect (fixture, "a", NULL);

  fixture_connect (fixture, "b", NULL);
  fixture_connect (fixture, "other", options (.replaces = "a"));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "other b");
  hookrun_signal_disconnect (fixture->signal, original);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "b other");
}

static void
test_replace_default (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "send", options (.is_default = TRUE));
  fixture_connect (fixture, "own-send", options (.replaces = "send"));
  fixture_connect (fixture, "a", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a own-send");
}

static void
test_replace_cycle (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", options (.replaces = "b"));
  fixture_refuse (fixture, "b", options (.replaces = "a"), HOOKRUN_ERROR_CYCLE,
                  "*circle: \"?\" replaced by \"?\" replaced by \"?\"; *");
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a");
}

static void
test_replace_own_constraint_makes_cycle (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", options (.before = ids ("b")));
  fixture_connect (fixture, "b", NULL);
  fixture_refuse (fixture, "other", options (.replaces = "a", .after = ids ("b")),
                  HOOKRUN_ERROR_CYCLE, "*\"other\"*\"b\"*");
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a b");
}

/* The two are in each other's way only once they have places of their own. */
static void
test_removal_never_fails (Fixture *fixture, gconstpointer unused)
{
  guint64 middle;

  fixture_connect (fixture, "a", options (.after = ids ("top")));
  middle = fixture_connect (fixture, "middle", options (.replaces = "a"));
  fixture_connect (fixture, "top", options (.replaces = "middle", .after = ids ("a")));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "top");
  hookrun_signal_disconnect (fixture->signal, middle);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a top");
}

/* ---- subjects ---- */

static void
test_subjects (Fixture *fixture, gconstpointer unused)
{
  guint64 general, shop;

  shop = fixture_connect (fixture, "shop", options (.subject = "shop", .priority = -1));
  fixture_connect (fixture, "blog", options (.subject = "blog"));
  general = fixture_connect (fixture, "general", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "general");
  fixture_expect_for (fixture, "shop", HOOKRUN_CONTINUE, "shop general");
  fixture_expect_for (fixture, "blog", HOOKRUN_CONTINUE, "blog general");
  fixture_expect_for (fixture, "other", HOOKRUN_CONTINUE, "general");
  hookrun_signal_disconnect (fixture->signal, general);
  fixture_expect_for (fixture, "shop", HOOKRUN_CONTINUE, "shop");
  fixture_expect (fixture, HOOKRUN_CONTINUE, "");
  hookrun_signal_disconnect (fixture->signal, shop);
  fixture_expect_for (fixture, "shop", HOOKRUN_CONTINUE, "");
  fixture_expect_for (fixture, "blog", HOOKRUN_CONTINUE, "blog");
}

static void
test_subject_replaces_general (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "send", NULL);
  fixture_connect (fixture, "shop-send", options (.subject = "shop", .replaces = "send"));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "send");
  fixture_expect_for (fixture, "shop", HOOKRUN_CONTINUE, "shop-send");
}

static void
test_subject_cycle (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", options (.subject = "shop", .before = ids ("b")));
  fixture_connect (fixture, "c", options (.subject = "blog", .after = ids ("b")));
  fixture_refuse (fixture, "b", options (.before = ids ("a")), HOOKRUN_ERROR_CYCLE,
                  "*for subject \"shop\"*");
  fixture_expect_for (fixture, "blog", HOOKRUN_CONTINUE, "c");
}

/* ---- many, and the reasons ---- */

static void
test_many (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) wanted = g_string_new (NULL);

  for (guint i = 0; i < 300; i++) {
    g_autofree char *id = g_strdup_printf ("h%u", i);
    g_autofree char *next = g_strdup_printf ("h%u", i + 1);

    fixture_connect (fixture, id, options (.after = ids (next)));
    g_string_prepend (wanted, i > 0 ? " " : "");
    g_string_prepend (wanted, id);
  }
  fixture_expect (fixture, HOOKRUN_CONTINUE, wanted->str);
}

static void
assert_listed (JsonNode *list, guint index, const char *id, const char *reason)
{
  JsonObject *entry = json_array_get_object_element (json_node_get_array (list), index);

  g_assert_cmpstr (json_object_get_string_member (entry, "id"), ==, id);
  g_assert_cmpstr (json_object_get_string_member (entry, "owner"), ==, "tester");
  g_assert_cmpstr (json_object_get_string_member (entry, "reason"), ==, reason);
}

static void
test_list_gives_reasons (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) list = NULL;
  g_autoptr (JsonNode) base = NULL;

  fixture_connect (fixture, "a", NULL);
  fixture_connect (fixture, "b", options (.priority = -5));
  fixture_connect (fixture, "c", options (.before = ids ("a"), .after = ids ("b")));
  fixture_connect (fixture, "d", options (.is_default = TRUE));
  fixture_connect (fixture, "e", options (.replaces = "d", .subject = "shop"));
  list = hookrun_signal_list_handlers (fixture->signal, "shop");
  g_assert_cmpuint (json_array_get_length (json_node_get_array (list)), ==, 4);
  assert_listed (list, 0, "b", "priority -5, then order of registration");
  assert_listed (list, 1, "c", "after \"b\" as it asks, order of registration");
  assert_listed (list, 2, "a", "after \"c\" as \"c\" asks, order of registration");
  assert_listed (list, 3, "e",
                 "in the place of \"d\", last, as it is the default action, order of registration");
  base = hookrun_signal_list_handlers (fixture->signal, NULL);
  assert_listed (base, 3, "d", "last, as it is the default action, order of registration");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add ("/signal/order/registration", test_registration);
  fixture_add ("/signal/order/priority", test_priority);
  fixture_add ("/signal/order/names-beat-priority", test_names_beat_priority);
  fixture_add ("/signal/order/several-names", test_several_names);
  fixture_add ("/signal/order/unknown-ids-are-ignored-until-known",
               test_unknown_ids_are_ignored_until_known);
  fixture_add ("/signal/order/default-is-last", test_default_is_last);
  fixture_add ("/signal/order/cycle-names-the-path", test_cycle_names_the_path);
  fixture_add ("/signal/order/cycle-of-two", test_cycle_of_two);
  fixture_add ("/signal/order/refused-ids", test_refused_ids);
  fixture_add ("/signal/replace/takes-the-place", test_replace_takes_the_place);
  fixture_add ("/signal/replace/what-comes-later", test_replace_what_comes_later);
  fixture_add ("/signal/replace/inherits-names", test_replace_inherits_names);
  fixture_add ("/signal/replace/stack", test_replacers_stack);
  fixture_add ("/signal/replace/original-goes", test_replace_original_goes);
  fixture_add ("/signal/replace/default", test_replace_default);
  fixture_add ("/signal/replace/cycle", test_replace_cycle);
  fixture_add ("/signal/replace/own-constraint-makes-cycle",
               test_replace_own_constraint_makes_cycle);
  fixture_add ("/signal/replace/removal-never-fails", test_removal_never_fails);
  fixture_add ("/signal/subject/limits", test_subjects);
  fixture_add ("/signal/subject/replaces-general", test_subject_replaces_general);
  fixture_add ("/signal/subject/cycle", test_subject_cycle);
  fixture_add ("/signal/order/many", test_many);
  fixture_add ("/signal/order/list-gives-reasons", test_list_gives_reasons);
  return g_test_run ();
}
