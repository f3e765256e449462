/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user writes for a host, and what the ssh configuration makes of it. */
#include "hookrun-ssh-config-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#include "hookrun-file-private.h"

static void
test_spec (void)
{
  static const struct {
    const char *text;
    const char *user;
    const char *host;
    guint port;
  } rows[] = {
      {"host", NULL, "host", 0},
      {"root@host", "root", "host", 0},
      {"root@host:2222", "root", "host", 2222},
      {"host:22", NULL, "host", 22},
      {"ssh://root@host:2222", "root", "host", 2222},
      {"ssh://host/", NULL, "host", 0},
      {"me@corp@host", "me@corp", "host", 0},
      {"[::1]:2222", NULL, "::1", 2222},
      {"[::1]", NULL, "::1", 0},
      {"fe80::1%eth0", NULL, "fe80::1%eth0", 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HookrunSshSpec) spec = hookrun_ssh_spec_parse (rows[i].text, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (spec->user, ==, rows[i].user);
    g_assert_cmpstr (spec->host, ==, rows[i].host);
    g_assert_cmpuint (spec->port, ==, rows[i].port);
  }
}

static void
test_spec_refuses (void)
{
  static const char *const rows[] = {
      "",
      "-oProxyCommand=touch x",
      "root@-oProxyCommand=x",
      "-l@host",
      "ho st",
      "host\nx",
      "host\033[31m",
      "a`b`",
      "$(x)",
      "host;x",
      "host:0",
      "host:65536",
      "host:x",
      "host:",
      "@host",
      "user@",
      "host/path",
      "ssh://host/path",
      "[::1",
      "a'b",
      "ssh://-x@h",
      "[::1]x",
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    HookrunSshSpec *spec = hookrun_ssh_spec_parse (rows[i], &error);

    g_test_message ("%s", rows[i]);
    g_assert_null (spec);
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
    for (const char *p = error->message; *p != '\0'; p++)
      g_assert_false (g_ascii_iscntrl (*p));
  }
}

typedef struct {
  char *folder;
  char *file;
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->folder = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  self->file = g_build_filename (self->folder, "config", NULL);
  g_setenv ("HOOKRUN_SSH_CONFIG", self->file, TRUE);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_unsetenv ("HOOKRUN_SSH_CONFIG");
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, self->folder, NULL));
  g_free (self->folder);
  g_free (self->file);
}

static void
on_resolved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static HookrunSshConfig *
resolve (Fixture *self, const char *text, const char *host, GError **error)
{
  g_autoptr (HookrunSshSpec) spec = hookrun_ssh_spec_parse (host, NULL);
  g_autoptr (GAsyncResult) result = NULL;

  g_assert_true (g_file_set_contents (self->file, text, -1, NULL));
  hookrun_ssh_config_resolve_async (spec, NULL, on_resolved, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return hookrun_ssh_config_resolve_finish (result, error);
}

static const char example[] = "Host web web-*\n"
                              "  HostName %h.example.org\n"
                              "  Port 2222\n"
                              "  User deploy\n"
                              "  IdentityFile ~/.ssh/deploy_%r\n"
                              "  IdentityFile \"/keys/with blank\"\n"
                              "  IdentityAgent none\n"
                              "  IdentitiesOnly yes\n"
                              "  UserKnownHostsFile /a/known /b/known\n"
                              "  HostKeyAlias web\n"
                              "  StrictHostKeyChecking accept-new\n"
                              "  HashKnownHosts yes\n"
                              "  ConnectTimeout 7\n"
                              "  ServerAliveInterval 3\n"
                              "  ServerAliveCountMax 5\n"
                              "  AddressFamily inet\n"
                              "Match originalhost web user deploy\n"
                              "  ProxyJump bastion,second\n"
                              "Host *\n"
                              "  User nobody\n"
                              "  GlobalKnownHostsFile /dev/null\n";

static void
check_example (const HookrunSshConfig *config)
{
  g_autofree char *key = g_build_filename (g_get_home_dir (), ".ssh", "deploy_deploy", NULL);

  g_assert_cmpstr (config->host_name, ==, "web.example.org");
  g_assert_cmpuint (config->port, ==, 2222);
  g_assert_cmpstr (config->user, ==, "deploy");
  g_assert_cmpuint (config->identity_files->len, ==, 2);
  g_assert_cmpstr (config->identity_files->pdata[0], ==, key);
  g_assert_cmpstr (config->identity_files->pdata[1], ==, "/keys/with blank");
  g_assert_null (config->identity_agent);
  g_assert_true (config->identities_only);
  g_assert_cmpuint (config->user_known_hosts->len, ==, 2);
  g_assert_cmpstr (config->user_known_hosts->pdata[1], ==, "/b/known");
  g_assert_cmpuint (config->global_known_hosts->len, ==, 1);
  g_assert_cmpstr (config->host_key_alias, ==, "web");
  g_assert_cmpint (config->strict, ==, HOOKRUN_SSH_STRICT_ACCEPT_NEW);
  g_assert_true (config->hash_known_hosts);
  g_assert_cmpuint (config->connect_timeout_ms, ==, 7000);
  g_assert_cmpuint (config->alive_interval_ms, ==, 3000);
  g_assert_cmpuint (config->alive_count_max, ==, 5);
  g_assert_cmpstr (config->proxy_jump, ==, "bastion,second");
  g_assert_null (config->unsupported);
}

static void
test_ssh_resolves (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSshConfig) config = resolve (self, example, "web", &error);

  g_assert_no_error (error);
  check_example (config);
}

/* The small reader says the same as ssh -G. */
static void
test_reader_resolves (Fixture *self, gconstpointer unused)
{
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSshConfig) config = NULL;

  g_setenv ("PATH", "/nonexistent", TRUE);
  config = resolve (self, example, "web", &error);
  g_setenv ("PATH", path, TRUE);
  g_assert_no_error (error);
  check_example (config);
}

static void
test_spec_wins (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunSshConfig) config = resolve (self, example, "me@web:2200", NULL);

  g_assert_cmpstr (config->user, ==, "me");
  g_assert_cmpuint (config->port, ==, 2200);
}

static void
test_includes (Fixture *self, gconstpointer unused)
{
  g_autofree char *more = g_build_filename (self->folder, "more", NULL);
  g_autofree char *text = g_strdup_printf ("Include %s\nInclude %s/none*\n", more, self->folder);
  g_autofree char *circle = g_strdup_printf ("Include %s\n", self->file);
  g_autoptr (HookrunSshSpec) spec = hookrun_ssh_spec_parse ("host", NULL);
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (self->file, text, -1, NULL));
  g_assert_true (g_file_set_contents (more, "Port=77\nHost other\nPort 78\n", -1, NULL));
  g_assert_true (hookrun_ssh_config_read_file (spec, self->file, lines, &error));
  g_assert_cmpstr (lines->str, ==, "port 77\n");
  g_assert_true (g_file_set_contents (self->file, circle, -1, NULL));
  g_assert_false (hookrun_ssh_config_read_file (spec, self->file, lines, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
}

static void
test_beyond (Fixture *self, gconstpointer unused)
{
  static const char *const lines[] = {"ProxyCommand nc %h %p\n", "PKCS11Provider /lib/x.so\n",
                                      "BindAddress 127.0.0.1\n", "VerifyHostKeyDNS yes\n"};

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HookrunSshConfig) config = resolve (self, lines[i], "host", &error);

    g_assert_no_error (error);
    g_test_message ("%s", lines[i]);
    g_assert_nonnull (config->unsupported);
  }
}

static void
test_bad_configuration (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (resolve (self, "Port banana\n", "host", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
  g_assert_nonnull (strstr (error->message, "line 1"));
}

/* A silent peer is given up within a minute unless the user says otherwise. */
static void
test_patience (Fixture *self, gconstpointer unused)
{
  static const char *const lines[] = {"", "BatchMode yes\n", "ServerAliveInterval 0\n"};

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autoptr (HookrunSshConfig) config = resolve (self, lines[i], "host", NULL);

    g_assert_cmpuint (config->alive_interval_ms * (config->alive_count_max + 1), ==, 60000);
  }
}

static void
test_agents (Fixture *self, gconstpointer unused)
{
  static const struct {
    const char *line;
    const char *agent;
  } rows[] = {
      {"", "/first"},
      {"IdentityAgent SSH_AUTH_SOCK\n", "/first"},
      {"IdentityAgent $OTHER_AGENT\n", "/second"},
      {"IdentityAgent /third\n", "/third"},
      {"IdentityAgent none\n", NULL},
  };

  g_setenv ("SSH_AUTH_SOCK", "/first", TRUE);
  g_setenv ("OTHER_AGENT", "/second", TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HookrunSshConfig) config = resolve (self, rows[i].line, "host", NULL);

    g_assert_cmpstr (config->identity_agent, ==, rows[i].agent);
  }
  g_unsetenv ("SSH_AUTH_SOCK");
  g_unsetenv ("OTHER_AGENT");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/ssh-config/spec", test_spec);
  g_test_add_func ("/remote/ssh-config/spec-refuses", test_spec_refuses);
#define ADD(name, func)                                                                            \
  g_test_add ("/remote/ssh-config/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("ssh-resolves", test_ssh_resolves);
  ADD ("reader-resolves", test_reader_resolves);
  ADD ("spec-wins", test_spec_wins);
  ADD ("includes", test_includes);
  ADD ("what-only-ssh-can", test_beyond);
  ADD ("bad-configuration", test_bad_configuration);
  ADD ("agents", test_agents);
  ADD ("patience", test_patience);
#undef ADD
  return g_test_run ();
}
