/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Projects: what a good one gives, what each fault is answered with, and the order of modules. */
#include "fixture.h"

#include <string.h>

#define ADD(name, func)                                                                            \
  g_test_add ("/module/project/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

static void
test_good (Fixture *self, gconstpointer unused)
{
  const char *const *modules;
  const char *const *hosts;
  g_autofree char *path = fixture_path (self, "project.ini");

  fixture_write (self, "project.ini",
                 "[project]\nname = Läden\ndepends = Shop\n"
                 "[hosts]\nProduction: deploy@example.org\ntesting = local:\n"
                 "six = root@[2001:db8::1]:2222\nurl = ssh://a@b.example:22/\n"
                 "[modules]\nshop = code/store\ndb =\n");
  fixture_write (self, "code/store/store.ini", "[module]\ndepends = db\n");
  fixture_write (self, "db/db.ini", "");
  fixture_load (self);
  g_assert_no_error (self->error);
  modules = hookrun_project_get_modules (self->project);
  hosts = hookrun_project_get_hosts (self->project);
  g_assert_cmpstr (hookrun_project_get_name (self->project), ==, "Läden");
  g_assert_cmpstr (hookrun_project_get_folder (self->project), ==, self->folder);
  g_assert_cmpstr (hookrun_project_get_path (self->project), ==, path);
  g_assert_cmpstr (hookrun_project_get_depends (self->project)[0], ==, "shop");
  g_assert_cmpstr (modules[0], ==, "shop");
  g_assert_cmpstr (modules[1], ==, "db");
  g_assert_cmpstr (hosts[0], ==, "production");
  g_assert_cmpuint (g_strv_length ((char **)hosts), ==, 4);
  g_assert_cmpstr (hookrun_project_lookup_host (self->project, "PRODUCTION", NULL), ==,
                   "deploy@example.org");
}

static void
test_name_defaults_to_folder (Fixture *self, gconstpointer unused)
{
  g_autofree char *base = g_path_get_basename (self->folder);

  fixture_write (self, "project.ini", "[modules]\n");
  fixture_load (self);
  g_assert_no_error (self->error);
  g_assert_cmpstr (hookrun_project_get_name (self->project), ==, base);
}

static void
test_missing (Fixture *self, gconstpointer unused)
{
  fixture_load (self);
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (self->error->message, "project.ini"));
}

static void
test_unknown_host (Fixture *self, gconstpointer unused)
{
  fixture_load_shop (self, "");
  g_assert_null (hookrun_project_lookup_host (self->project, "prodction", &self->error));
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_cmpstr (self->error->message, ==,
                   "there is no host \"prodction\"; valid hosts: production => deploy@example.org, "
                   "testing => local:/tmp/x; did you mean \"production\"?");
}

static void
test_unknown_module (Fixture *self, gconstpointer unused)
{
  static const char *const names[] = {"shpo", NULL};

  fixture_load_shop (self, "");
  g_assert_null (hookrun_project_get_order (self->project, names, &self->error));
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_true (g_str_has_suffix (self->error->message, "; did you mean \"shop\"?"));
}

typedef struct {
  const char *name;
  const char *project; /* project.ini; NULL: a good one with module shop */
  const char *shop;    /* shop/shop.ini; NULL: none */
  HookrunError code;
  const char *message;
} Faulty;

#define HEAD "[hosts]\nproduction = a@b\n[modules]\n"

static const Faulty faulty[] = {
    {"malformed-project", "[modules\n", "", HOOKRUN_ERROR_INVALID,
     "project.ini line 1: section \"[modules\" is not closed; write \"]\" at its end"},
    {"malformed-module", NULL, "[module]\npath = /srv/a\n\npath = /srv/b\n", HOOKRUN_ERROR_INVALID,
     "module \"shop\": shop/shop.ini line 4: key \"path\" is in section [module] already, in line "
     "2; keep one of them"},
    {"unknown-dependency", NULL, "[module]\n\ndepends = db\n", HOOKRUN_ERROR_INVALID,
     "module \"shop\": shop/shop.ini line 3: \"depends\" names \"db\", which no [modules] entry "
     "provides; add it or correct the name"},
    {"misspelt-dependency", HEAD "shop=\n[project]\ndepends = shpo\n", "", HOOKRUN_ERROR_INVALID,
     "project.ini line 6: \"depends\" names \"shpo\", which no [modules] entry provides; add it or "
     "correct the name; did you mean \"shop\"?"},
    {"self-dependency", NULL, "[module]\ndepends = shop\n", HOOKRUN_ERROR_CYCLE,
     "module \"shop\": shop/shop.ini line 2: \"depends\" of module \"shop\" names the module "
     "itself; take it out"},
    {"unknown-key", NULL, "[module]\npaht = /srv/x\n", HOOKRUN_ERROR_INVALID,
     "module \"shop\": shop/shop.ini line 2: \"paht\" is not a key of [module]; it knows path, "
     "depends, use_rsync, layout, keep, shared; did you mean \"path\"?"},
    {"unknown-project-key", "[project]\nnmae = x\n[modules]\n", "", HOOKRUN_ERROR_INVALID,
     "project.ini line 2: \"nmae\" is not a key of [project]; it knows name, depends; did you mean "
     "\"name\"?"},
    {"unknown-section", NULL, "[modul]\npath = /srv/x\n", HOOKRUN_ERROR_INVALID,
     "module \"shop\": shop/shop.ini line 1: section [modul] is not known; did you mean [module]?"},
    {"misspelt-plugin", NULL, "[plugins:a.b]\n", HOOKRUN_ERROR_INVALID,
     "module \"shop\": shop/shop.ini line 1: section [plugins:a.b] is not known; did you mean "
     "[plugin:NAME]?"},
    {"nameless-plugin", NULL, "[plugin:]\n", HOOKRUN_ERROR_INVALID,
     "module \"shop\": shop/shop.ini line 1: section [plugin:] has no name after \":\""},
    {"key-for-unknown-host", NULL, "[module]\npath-prodution = /srv/x\n", HOOKRUN_ERROR_INVALID,
     "module \"shop\": shop/shop.ini line 2: \"path-prodution\" is meant for host \"prodution\", "
     "which no [hosts] entry names; add it or correct the name; did you mean \"production\"?"},
    {"depends-for-a-host", NULL, "[module]\ndepends-production = x\n", HOOKRUN_ERROR_INVALID,
     "module \"shop\": shop/shop.ini line 2: \"depends-production\" is not a key of [module]; it "
     "knows path, depends, use_rsync, layout, keep, shared"},
    {"no-modules", "[hosts]\n", "", HOOKRUN_ERROR_INVALID,
     "project.ini has no section [modules]; add it with a line \"NAME = FOLDER\" for each module"},
    {"missing-folder", HEAD "db =\n", "", HOOKRUN_ERROR_NOT_FOUND,
     "project.ini line 4: module \"db\" has no folder \"db\"; make it or write \"db = FOLDER\""},
    {"missing-module-file", NULL, NULL, HOOKRUN_ERROR_NOT_FOUND,
     "project.ini line 4: module \"shop\" has no file \"shop/shop.ini\"; write it, even if it is "
     "empty, or correct the folder"},
    {"shared-folder", HEAD "shop =\ntwin = ./shop\n", "", HOOKRUN_ERROR_INVALID,
     "project.ini line 5: module \"twin\" has the folder of module \"shop\" in line 4; give it one "
     "of its own"},
    {"duplicate-host", "[hosts]\na = b\nA = c\n[modules]\n", "", HOOKRUN_ERROR_INVALID,
     "project.ini line 3: key \"a\" is in section [hosts] already, in line 2; keep one of them"},
    {"bad-name", "[modules]\n-x = shop\n", "", HOOKRUN_ERROR_INVALID,
     "project.ini line 2: the module is \"-x\", a name that begins with \"-\"; begin it with a "
     "letter or digit"},
    {"option-as-host", "[hosts]\na = -oProxyCommand=x\n[modules]\n", "", HOOKRUN_ERROR_INVALID,
     "project.ini line 2: \"a\" is \"-oProxyCommand=x\", which begins with \"-\" and would be "
     "taken "
     "as an option; a host is user@host, host:port, ssh://user@host:port, local: or local:/folder"},
};

static void
test_faulty (Fixture *self, gconstpointer data)
{
  const Faulty *row = data;

  fixture_write (self, "project.ini", row->project != NULL ? row->project : HEAD "shop =\n");
  fixture_write (self, row->shop != NULL ? "shop/shop.ini" : "shop/other.ini",
                 row->shop != NULL ? row->shop : "");
  fixture_load (self);
  g_assert_error (self->error, HOOKRUN_ERROR, (int)row->code);
  g_assert_cmpstr (self->error->message, ==, row->message);
}

static void
test_all_faults_at_once (Fixture *self, gconstpointer unused)
{
  fixture_write (self, "project.ini",
                 "[project]\nnmae = x\n[hosts]\na = b:99999\n[modules]\nx =\ny =\n");
  fixture_write (self, "x/x.ini", "[module]\nkeep = 0\ndepends = y, z\n");
  fixture_write (self, "y/y.ini", "[module]\ndepends = x\n[scm]\nurl = ext::sh\n");
  fixture_load (self);
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_nonnull (strstr (self->error->message, "/project.ini\" has 6 faults:\n"));
  g_assert_nonnull (strstr (self->error->message, "project.ini line 2: \"nmae\""));
  g_assert_nonnull (strstr (self->error->message, "project.ini line 4: \"a\" is \"b:99999\""));
  g_assert_nonnull (strstr (self->error->message, "x/x.ini line 2: \"keep\" is \"0\""));
  g_assert_nonnull (strstr (self->error->message, "x/x.ini line 3: \"depends\" names \"z\""));
  g_assert_nonnull (strstr (self->error->message, "y/y.ini line 4: \"url\" is \"ext::sh\""));
  g_assert_nonnull (strstr (self->error->message, "closes a circle: x → y → x"));
}

static void
test_cycle (Fixture *self, gconstpointer unused)
{
  fixture_write (self, "project.ini", "[modules]\na=\nb=\nc=\nd=\n");
  fixture_write (self, "a/a.ini", "[module]\ndepends = b\n");
  fixture_write (self, "b/b.ini", "[module]\ndepends = d, c\n");
  fixture_write (self, "c/c.ini", "[module]\ndepends = b\n");
  fixture_write (self, "d/d.ini", "");
  fixture_load (self);
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CYCLE);
  g_assert_cmpstr (self->error->message, ==,
                   "module \"c\": c/c.ini line 2: \"depends\" closes a circle: b → c → b; take one "
                   "of these dependencies away");
}

static void
assert_order (Fixture *self, const char *const *modules, const char *expected)
{
  g_autoptr (GPtrArray) order = hookrun_project_get_order (self->project, modules, NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < order->len; i++)
    g_string_append (text, hookrun_module_get_name (g_ptr_array_index (order, i)));
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_order (Fixture *self, gconstpointer unused)
{
  static const char *const d_then_c[] = {"d", "c", "d", NULL};
  static const char *const none[] = {NULL};

  fixture_write (self, "project.ini", "[modules]\na=\nb=\nc=\nd=\ne=\n");
  fixture_write (self, "a/a.ini", "[module]\ndepends = c, b\n");
  fixture_write (self, "b/b.ini", "[module]\ndepends = d\n");
  fixture_write (self, "c/c.ini", "[module]\ndepends = d\n    d\n");
  fixture_write (self, "d/d.ini", "");
  fixture_write (self, "e/e.ini", "");
  fixture_load (self);
  g_assert_no_error (self->error);
  assert_order (self, NULL, "dcbae");
  assert_order (self, none, "dcbae");
  assert_order (self, d_then_c, "dc");
}

static void
test_order_of_the_project (Fixture *self, gconstpointer unused)
{
  fixture_write (self, "project.ini", "[project]\ndepends=c, b\n[modules]\na=\nb=\nc=\n");
  fixture_write (self, "a/a.ini", "");
  fixture_write (self, "b/b.ini", "");
  fixture_write (self, "c/c.ini", "");
  fixture_load (self);
  assert_order (self, NULL, "cb");
}

/* A chain of 10,000 modules: each depends on the next. */
static void
write_chain (Fixture *self, guint length, gboolean closed)
{
  g_autoptr (GString) project = g_string_new ("[modules]\n");

  for (guint i = 0; i < length; i++) {
    g_autofree char *file = g_strdup_printf ("m%u/m%u.ini", i, i);
    g_autofree char *text = i + 1 < length || closed
                                ? g_strdup_printf ("[module]\ndepends = m%u\n", (i + 1) % length)
                                : g_strdup ("");

    g_string_append_printf (project, "m%u =\n", i);
    fixture_write (self, file, text);
  }
  fixture_write (self, "project.ini", project->str);
}

static void
test_deep_chain (Fixture *self, gconstpointer unused)
{
  const guint length = 10000;
  g_autoptr (GPtrArray) order = NULL;

  write_chain (self, length, FALSE);
  fixture_load (self);
  g_assert_no_error (self->error);
  order = hookrun_project_get_order (self->project, NULL, NULL);
  g_assert_cmpuint (order->len, ==, length);
  g_assert_cmpstr (hookrun_module_get_name (g_ptr_array_index (order, 0)), ==, "m9999");
  g_assert_cmpstr (hookrun_module_get_name (g_ptr_array_index (order, length - 1)), ==, "m0");
}

static void
test_long_cycle (Fixture *self, gconstpointer unused)
{
  write_chain (self, 300, TRUE);
  fixture_load (self);
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CYCLE);
  g_assert_nonnull (strstr (self->error->message,
                            "m0 → m1 → m2 → m3 → m4 → m5 → m6 → m7 → m8 → m9 → m10 → m11 → (284 "
                            "more) → m296 → m297 → m298 → m299 → m0;"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("good", test_good);
  ADD ("name-defaults-to-folder", test_name_defaults_to_folder);
  ADD ("missing", test_missing);
  ADD ("unknown-host", test_unknown_host);
  ADD ("unknown-module", test_unknown_module);
  for (gsize i = 0; i < G_N_ELEMENTS (faulty); i++) {
    g_autofree char *path = g_strconcat ("/module/project/faulty/", faulty[i].name, NULL);

    g_test_add (path, Fixture, &faulty[i], fixture_set_up, test_faulty, fixture_tear_down);
  }
  ADD ("all-faults-at-once", test_all_faults_at_once);
  ADD ("cycle-names-the-path", test_cycle);
  ADD ("order", test_order);
  ADD ("order/of-the-project", test_order_of_the_project);
  ADD ("order/deep-chain", test_deep_chain);
  ADD ("long-cycle-is-shortened", test_long_cycle);
  return g_test_run ();
}
