/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules: the rule of look-up, the kinds of values, plugins, configurations, deployment files. */
#include "fixture.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ADD(name, func)                                                                            \
  g_test_add ("/module/module/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

static void
test_look_up (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop = fixture_load_shop (self, "[module]\n"
                                                 "path = ~/shop\n"
                                                 "path-production = /srv/shop\n"
                                                 "[own]\nkey-testing = t\n");

  g_assert_cmpstr (hookrun_module_get_destination (shop, "production"), ==, "/srv/shop");
  g_assert_cmpstr (hookrun_module_get_destination (shop, "testing"), ==, "shop");
  g_assert_cmpstr (hookrun_module_get_destination (shop, NULL), ==, "shop");
  g_assert_cmpstr (hookrun_module_get_value (shop, "own", "KEY", "testing", "d"), ==, "t");
  g_assert_cmpstr (hookrun_module_get_value (shop, "own", "key", "production", "d"), ==, "d");
  g_assert_cmpstr (hookrun_module_get_value (shop, "none", "key", "testing", "d"), ==, "d");
  g_assert_null (hookrun_module_get_value (shop, "module", "layout", "testing", NULL));
}

static void
test_defaults (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop = fixture_load_shop (self, "");
  g_auto (GStrv) shared = hookrun_module_get_shared (shop, NULL);

  g_assert_cmpstr (hookrun_module_get_name (shop), ==, "shop");
  g_assert_true (g_str_has_prefix (hookrun_module_get_folder (shop), self->folder));
  g_assert_true (g_str_has_suffix (hookrun_module_get_path (shop), "/shop/shop.ini"));
  g_assert_null (hookrun_module_get_destination (shop, "production"));
  g_assert_true (hookrun_module_get_use_rsync (shop, NULL));
  g_assert_cmpint (hookrun_module_get_layout (shop, NULL), ==, HOOKRUN_MODULE_LAYOUT_RELEASES);
  g_assert_cmpuint (hookrun_module_get_keep (shop, NULL), ==, 5);
  g_assert_null (shared[0]);
  g_assert_cmpint (hookrun_module_get_scm (shop, NULL), ==, HOOKRUN_MODULE_SCM_NONE);
  g_assert_null (hookrun_module_get_url (shop, NULL));
  g_assert_null (hookrun_module_get_release_value (shop, "stable", "tag", NULL));
  g_assert_null (hookrun_module_get_releases (shop)[0]);
  g_assert_null (hookrun_module_get_plugins (shop)[0]);
  g_assert_null (hookrun_module_get_depends (shop)[0]);
}

static void
test_settings (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop = fixture_load_shop (self, "[module]\n"
                                                 "use_rsync = Off\n"
                                                 "layout = in-place\n"
                                                 "layout-testing = releases\n"
                                                 "keep = 1000\n"
                                                 "shared = log, var/media\n"
                                                 "   .env\n"
                                                 "[scm]\n"
                                                 "url = git://example.org/shop.git\n"
                                                 "url-testing = none\n"
                                                 "[release:stable]\n"
                                                 "tag = v1.0\n"
                                                 "branch-testing = feature/x\n"
                                                 "[release:Next]\n"
                                                 "version = 2\n");
  g_auto (GStrv) shared = hookrun_module_get_shared (shop, NULL);
  g_autofree char *joined = g_strjoinv ("|", shared);

  g_assert_false (hookrun_module_get_use_rsync (shop, NULL));
  g_assert_cmpint (hookrun_module_get_layout (shop, "production"), ==,
                   HOOKRUN_MODULE_LAYOUT_IN_PLACE);
  g_assert_cmpint (hookrun_module_get_layout (shop, "testing"), ==, HOOKRUN_MODULE_LAYOUT_RELEASES);
  g_assert_cmpuint (hookrun_module_get_keep (shop, NULL), ==, 1000);
  g_assert_cmpstr (joined, ==, "log|var/media|.env");
  g_assert_cmpint (hookrun_module_get_scm (shop, "production"), ==, HOOKRUN_MODULE_SCM_GIT);
  g_assert_cmpint (hookrun_module_get_scm (shop, "testing"), ==, HOOKRUN_MODULE_SCM_NONE);
  g_assert_cmpstr (hookrun_module_get_release_value (shop, "stable", "tag", NULL), ==, "v1.0");
  g_assert_cmpstr (hookrun_module_get_release_value (shop, "stable", "branch", "testing"), ==,
                   "feature/x");
  g_assert_null (hookrun_module_get_release_value (shop, "stable", "branch", "production"));
  g_assert_cmpstr (hookrun_module_get_releases (shop)[1], ==, "Next");
}

typedef struct {
  const char *section;
  const char *key;
  const char *value;
  const char *why; /* the message after the key; NULL: the value is good */
} Value;

static const Value values[] = {
    {"module", "path", "/srv/my shop", NULL},
    {"module", "path", "", "has no value"},
    {"module", "path", "/", "which is not a folder of the module's own; name one below it"},
    {"module", "path", "~", "which is not a folder of the module's own; name one below it"},
    {"module", "path", "./.", "which is not a folder of the module's own; name one below it"},
    {"module", "path", "/srv/../etc", "which goes up with \"..\"; write the path it leads to"},
    {"module", "path", "~bob/x", "the home of another user; write the whole path"},
    {"module", "path", "-x", "which is relative; write the whole path, or ~/ before it"},
    {"module", "path", "srv/shop", "which is relative; write the whole path, or ~/ before it"},
    {"module", "path-testing", "./shop", "which is relative;"},
    {"module", "path", "~/shop", NULL},
    {"module", "path", "/srv/%(nowhere)s", "a template, which nothing fills here;"},
    {"module", "path", "/srv/{module}", "a template, which nothing fills here;"},
    {"module", "path", "/srv/100%", NULL},
    {"module", "shared", "a, %(b)s", "a template, which nothing fills here;"},
    {"module", "path", "/a\n /b", "which spans lines; write it on one"},
    {"module", "use_rsync", "maybe", "which is neither yes nor no"},
    {"module", "layout", "folder", "which is neither releases nor in-place"},
    {"module", "keep", "0", "which is not a number from 1 to 1000"},
    {"module", "keep", "5x", "which is not a number from 1 to 1000"},
    {"module", "keep-testing", "-1", "which is not a number from 1 to 1000"},
    {"module", "shared", "/etc",
     "which is not a path inside the module; write it relative, without \"..\""},
    {"module", "shared", "a, ../b",
     "which is not a path inside the module; write it relative, without \"..\""},
    {"module", "depends", "a b",
     "a name with \" \" in it; use letters, digits, \"_\", \"-\" and "
     "\".\""},
    {"scm", "url", "none", NULL},
    {"scm", "url", "", "has no value; write the address of the repository, or none"},
    {"scm", "url-testing", "", "has no value;"},
    {"scm", "url", "https://%(host)s/x.git", "a template, which nothing fills here;"},
    {"scm", "url", "git://example.org/x.git", NULL},
    {"scm", "url", "https://user@example.org:8443/x", NULL},
    {"scm", "url", "git@example.org:team/x.git", NULL},
    {"scm", "url", "../x.git", NULL},
    {"scm", "url", "file:///srv/x.git", NULL},
    {"scm", "url", "--upload-pack=x", "which begins with \"-\" and would be taken as an option;"},
    {"scm", "url", "ext::sh -c x", "which has blanks in it;"},
    {"scm", "url", "ext::x", "which would run a command of its own choice;"},
    {"scm", "url", "svn://example.org/x", "whose kind is not supported;"},
    {"scm", "url", "ssh://-oProxyCommand=x/y", "whose host begins with \"-\""},
    {"scm", "url", "git://a@-b/y", "whose host begins with \"-\""},
    {"scm", "url", "a@-oProxyCommand=x:y", "whose host begins with \"-\""},
    {"scm", "url", "https:///x", "which names no host;"},
    {"scm", "url", "https://example.org/", "which names no repository;"},
    {"scm", "url", "example.org:", "which names no repository;"},
    {"scm", "url", "file://x", "whose folder is not a whole path;"},
    {"scm", "url", "shop.git", "which is neither an address nor a folder;"},
    {"release:s", "tag", "v1.0-rc.1", NULL},
    {"release:s", "tag", "-d", "which begins with \"-\"; no tag or branch does"},
    {"release:s", "tag", "a..b", "which no tag or branch can be named"},
    {"release:s", "branch", "main~1", "which no tag or branch can be named"},
    {"release:s", "branch", "a b", "which no tag or branch can be named"},
    {"release:s", "branch-testing", "x.lock", "which no tag or branch can be named"},
    {"release:s", "branch", "@", "which no tag or branch can be named"},
    {"release:s", "branch", "", "has no value"},
    {"release:s", "branch", "%(x)s", "a template, which nothing fills here;"},
    {"release:s", "version", "", "has no value"},
    {"release:s", "version", "%(x)s", "a template, which nothing fills here;"},
};

static void
test_values (Fixture *self, gconstpointer unused)
{
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    const Value *row = &values[i];
    g_autofree char *text =
        g_strdup_printf ("[%s]\n\n%s = %s\n%s", row->section, row->key, row->value,
                         g_str_has_prefix (row->section, "release:") ? "[scm]\nurl = ./x\n" : "");
    g_autofree char *place =
        g_strdup_printf ("module \"shop\": shop/shop.ini line 3: \"%s\" ", row->key);

    fixture_load_shop (self, text);
    g_test_message ("%s = %s: %s", row->key, row->value,
                    self->error ? self->error->message : "good");
    if (row->why == NULL) {
      g_assert_no_error (self->error);
      continue;
    }
    g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
    g_assert_nonnull (strstr (self->error->message, place));
    g_assert_nonnull (strstr (self->error->message, row->why));
  }
}

typedef struct {
  const char *spec;
  gboolean good;
} Host;

static const Host host_specs[] = {
    {"example.org", TRUE},
    {"a@b", TRUE},
    {"a@b:22", TRUE},
    {"[::1]", TRUE},
    {"a@[fe80::1%eth0]:2", TRUE},
    {"ssh://a@b:22", TRUE},
    {"local:", TRUE},
    {"local:/srv/x", TRUE},
    {"a_b-c.d", TRUE},
    {"münchen.example", TRUE},
    {"", FALSE},
    {"a b", FALSE},
    {"@b", FALSE},
    {"a@", FALSE},
    {"-b", FALSE},
    {"a@-b", FALSE},
    {"b:0", FALSE},
    {"b:", FALSE},
    {"b:65536", FALSE},
    {"b:22x", FALSE},
    {"[::1", FALSE},
    {"b/x", FALSE},
    {"ssh://b/x", FALSE},
    {"ssh://", FALSE},
    {"http://b", FALSE},
    {"local:x", FALSE},
    {"b$(x)", FALSE},
    {"a@b;c", FALSE},
};

static void
test_hosts (Fixture *self, gconstpointer unused)
{
  for (gsize i = 0; i < G_N_ELEMENTS (host_specs); i++) {
    g_autofree char *text = g_strdup_printf ("[hosts]\nh = %s\n[modules]\n", host_specs[i].spec);

    g_test_message ("%s", host_specs[i].spec);
    fixture_write (self, "project.ini", text);
    fixture_load (self);
    g_assert_true ((self->error == NULL) == host_specs[i].good);
    if (!host_specs[i].good)
      g_assert_true (g_str_has_prefix (self->error->message, "project.ini line 2: \"h\" is "));
  }
}

static char *
settings_of (HookrunModule *module, const char *plugin, const char *host)
{
  g_autoptr (JsonNode) node = hookrun_module_get_plugin_settings (module, plugin, host);

  return json_to_string (node, FALSE);
}

static void
test_plugins (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop = fixture_load_shop (self, "[plugin:porter.plugins.uwsgi]\n"
                                                 "vassals_dir-production = /etc/p\n"
                                                 "vassals_dir = /etc/v\n"
                                                 "launcher =\n  a.ini\n  b.ini\n"
                                                 "own-key = x\n"
                                                 "only-testing = t\n"
                                                 "[plugin:my.own]\n");
  g_autofree char *production = settings_of (shop, "porter.plugins.uwsgi", "Production");
  g_autofree char *testing = settings_of (shop, "porter.plugins.uwsgi", "testing");
  g_autofree char *nowhere = settings_of (shop, "porter.plugins.uwsgi", NULL);
  g_autofree char *empty = settings_of (shop, "my.own", "testing");
  g_autofree char *missing = settings_of (shop, "none", "testing");

  g_assert_cmpstr (hookrun_module_get_plugins (shop)[0], ==, "porter.plugins.uwsgi");
  g_assert_cmpstr (hookrun_module_get_plugins (shop)[1], ==, "my.own");
  g_assert_cmpstr (production, ==,
                   "{\"vassals_dir\":\"/etc/p\",\"launcher\":\"a.ini\\nb.ini\",\"own-key\":\"x\"}");
  g_assert_cmpstr (testing, ==,
                   "{\"vassals_dir\":\"/etc/v\",\"launcher\":\"a.ini\\nb.ini\",\"own-key\":\"x\","
                   "\"only\":\"t\"}");
  g_assert_cmpstr (nowhere, ==,
                   "{\"vassals_dir\":\"/etc/v\",\"launcher\":\"a.ini\\nb.ini\",\"own-key\":\"x\"}");
  g_assert_cmpstr (empty, ==, "{}");
  g_assert_cmpstr (missing, ==, "{}");
}

static void
test_json (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop = fixture_load_shop (self, "[own]\nB = 1\n[module]\npath-testing = /srv/x\n");
  g_autoptr (JsonNode) node = hookrun_module_to_json (shop);
  g_autofree char *text = json_to_string (node, FALSE);

  g_assert_cmpstr (text, ==, "{\"own\":{\"b\":\"1\"},\"module\":{\"path-testing\":\"/srv/x\"}}");
}

static void
assert_config_refused (Fixture *self, HookrunModule *module, const char *config, const char *file,
                       HookrunError code, const char *part)
{
  g_clear_error (&self->error);
  g_assert_null (hookrun_module_find_config_file (module, config, file, &self->error));
  g_assert_error (self->error, HOOKRUN_ERROR, (int)code);
  g_assert_true (g_str_has_prefix (self->error->message, "module \"shop\""));
  g_assert_nonnull (strstr (self->error->message, part));
}

static void
make_link (Fixture *self, const char *target, const char *file)
{
  g_autofree char *path = fixture_path (self, file);

  g_assert_cmpint (symlink (target, path), ==, 0);
}

static void
test_configs (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop = fixture_load_shop (self, "");
  g_auto (GStrv) none = hookrun_module_list_configs (shop, NULL);
  g_auto (GStrv) configs = NULL;
  g_autofree char *joined = NULL;
  g_autofree char *path = NULL;
  g_autofree char *linked = NULL;

  g_assert_null (none[0]);
  fixture_write (self, "shop/config/testing/local_settings.py", "t");
  fixture_write (self, "shop/config/production/deep/er.py", "p");
  fixture_write (self, "shop/config/README", "not a configuration");
  make_link (self, "deep/er.py", "shop/config/production/link.py");
  configs = hookrun_module_list_configs (shop, NULL);
  joined = g_strjoinv ("|", configs);
  g_assert_cmpstr (joined, ==, "production|testing");
  path = hookrun_module_find_config_file (shop, "testing", "local_settings.py", &self->error);
  g_assert_no_error (self->error);
  g_assert_true (g_str_has_suffix (path, "/shop/config/testing/local_settings.py"));
  linked = hookrun_module_find_config_file (shop, "production", "link.py", &self->error);
  g_assert_no_error (self->error);
  g_assert_true (g_str_has_suffix (linked, "/shop/config/production/deep/er.py"));
}

static void
test_config_refusals (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop = fixture_load_shop (self, "");
  g_autofree char *fifo = fixture_path (self, "shop/config/testing/fifo");

  fixture_write (self, "shop/config/testing/a", "");
  fixture_write (self, "shop/config/production/b", "");
  make_link (self, "/etc/passwd", "shop/config/testing/out");
  make_link (self, "../production/b", "shop/config/testing/up");
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
#define REFUSED(config, file, code, part)                                                          \
  assert_config_refused (self, shop, config, file, HOOKRUN_ERROR_##code, part)
  REFUSED ("tseting", "a", NOT_FOUND, "it has: production, testing; did you mean \"testing\"?");
  REFUSED (NULL, "a", INVALID, "choose one of: production, testing");
  REFUSED ("..", "shop.ini", NOT_FOUND, "has no configuration \"..\"");
  REFUSED ("testing/../production", "b", NOT_FOUND, "has no configuration");
  REFUSED ("testing", "b", NOT_FOUND, "cannot open \"b\" of configuration \"testing\"");
  REFUSED ("testing", "../production/b", INVALID, "leads out of configuration \"testing\"");
  REFUSED ("testing", "/etc/passwd", INVALID, "leads out of configuration \"testing\"");
  REFUSED ("testing", "out", INVALID, "leads out of configuration \"testing\"");
  REFUSED ("testing", "up", INVALID, "leads out of configuration \"testing\"");
  REFUSED ("testing", "fifo", INVALID, "is not a regular file");
  REFUSED ("testing", ".", INVALID, "is not a regular file");
#undef REFUSED
}

/* From here on openat2 is a call that this process does not have, as in old kernels. */
static void
lose_openat2 (void)
{
  struct sock_filter rules[] = {
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = G_N_ELEMENTS (rules), .filter = rules};

  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), ==, 0);
}

static void
test_config_on_old_kernels (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop;
  g_autofree char *path = NULL;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  lose_openat2 ();
  test_config_refusals (self, NULL);
  g_clear_error (&self->error);
  shop = hookrun_project_lookup_module (self->project, "shop", NULL);
  fixture_write (self, "shop/config/testing/deep/er", "");
  path = hookrun_module_find_config_file (shop, "testing", "deep/er", &self->error);
  g_assert_no_error (self->error);
  g_assert_true (g_str_has_suffix (path, "/shop/config/testing/deep/er"));
}

static void
test_deployment_files (Fixture *self, gconstpointer unused)
{
  HookrunModule *shop = fixture_load_shop (self, "");
  g_auto (GStrv) none = hookrun_module_list_deployment_files (shop);
  g_auto (GStrv) both = NULL;

  g_assert_null (none[0]);
  fixture_write (self, "shop/deployment.d/10-hello", "");
  fixture_write (self, "shop/deployment.py", "");
  both = hookrun_module_list_deployment_files (shop);
  g_assert_cmpuint (g_strv_length (both), ==, 2);
  g_assert_true (g_str_has_suffix (both[0], "/shop/deployment.py"));
  g_assert_true (g_str_has_suffix (both[1], "/shop/deployment.d"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("look-up", test_look_up);
  ADD ("defaults", test_defaults);
  ADD ("settings", test_settings);
  ADD ("values", test_values);
  ADD ("hosts", test_hosts);
  ADD ("plugins", test_plugins);
  ADD ("json", test_json);
  ADD ("configs", test_configs);
  ADD ("configs/refusals", test_config_refusals);
  ADD ("configs/old-kernels", test_config_on_old_kernels);
  ADD ("deployment-files", test_deployment_files);
  return g_test_run ();
}
