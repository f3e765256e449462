/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running git: with programs of that name that crash, hang on, flood or are not there. */
#include "hookrun-git-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../module/fixture.h"

#define ADD(name, func)                                                                            \
  g_test_add ("/deploy/git/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

static const char *const version[] = {"version", NULL};

/* From here on "git" is this script. NULL: there is none. */
static void
replace_git (Fixture *self, const char *script)
{
  g_autofree char *bin = fixture_path (self, "bin");
  g_autofree char *file = fixture_path (self, "bin/git");
  g_autofree char *path = g_strconcat (bin, ":/usr/bin:/bin", NULL);

  g_assert_cmpint (g_mkdir_with_parents (bin, 0755), ==, 0);
  if (script != NULL) {
    g_autofree char *text = g_strconcat ("#!/bin/sh\n", script, "\n", NULL);

    fixture_write (self, "bin/git", text);
    g_assert_cmpint (g_chmod (file, 0755), ==, 0);
  }
  g_setenv ("PATH", script != NULL ? path : bin, TRUE);
}

/* Runs it for at most two seconds and gives the error. */
static void
run (Fixture *self, guint silence_ms, HookrunError code, const char *message)
{
  HookrunGit git = {.silence_ms = silence_ms};
  gint64 start = g_get_monotonic_time ();

  g_clear_error (&self->error);
  g_assert_false (hookrun_git_run (&git, version, NULL, NULL, &self->error));
  g_assert_error (self->error, HOOKRUN_ERROR, (int)code);
  g_assert_cmpstr (self->error->message, ==, message);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 2 * G_USEC_PER_SEC);
}

static void
test_missing (Fixture *self, gconstpointer unused)
{
  replace_git (self, NULL);
  run (self, 0, HOOKRUN_ERROR_UNSUPPORTED,
       "there is no program git on this machine; install it (package \"git\")");
  g_setenv ("PATH", "/usr/bin:/bin", TRUE);
}

static void
test_crash (Fixture *self, gconstpointer unused)
{
  replace_git (self, "kill -9 $$");
  run (self, 0, HOOKRUN_ERROR_COMMAND, "git version was ended by signal 9: ");
}

static void
test_last_lines (Fixture *self, gconstpointer unused)
{
  replace_git (self, "for i in 1 2 3 4 5 6; do echo line $i >&2; done;"
                     "printf 'Receiving: 1%%\\rReceiving: 2%%\\n' >&2; exit 1");
  run (self, 0, HOOKRUN_ERROR_COMMAND, "git version: line 2\nline 3\nline 4\nline 5\nline 6");
}

static void
test_silent_failure (Fixture *self, gconstpointer unused)
{
  replace_git (self, "exit 3");
  run (self, 0, HOOKRUN_ERROR_COMMAND, "git version: failed without a word");
}

static void
test_silence (Fixture *self, gconstpointer unused)
{
  replace_git (self, "echo started >&2; sleep 30");
  run (self, 200, HOOKRUN_ERROR_TIMED_OUT,
       "the repository has not answered for 0 seconds; see whether it can be reached from this "
       "machine, and try again");
}

typedef struct {
  const char *line;
  HookrunError code;
  const char *remedy;
} Diagnosis;

/* Each is told whole, with what to do about it. */
static void
test_diagnoses (Fixture *self, gconstpointer unused)
{
  static const Diagnosis rows[] = {
      {"Host key for x has changed and you have requested strict checking.",
       HOOKRUN_ERROR_HOST_KEY_CHANGED, "ssh-keygen -R"},
      {"ED25519 host key for x was revoked and you have requested strict checking.",
       HOOKRUN_ERROR_HOST_KEY_REVOKED, "do not go on"},
      {"Host key verification failed.", HOOKRUN_ERROR_HOST_KEY_UNKNOWN, "compare the fingerprint"},
      {"a@b: Permission denied (publickey).", HOOKRUN_ERROR_AUTHENTICATION, "give this user a key"},
      {"fatal: could not read Username for x: terminal prompts disabled",
       HOOKRUN_ERROR_AUTHENTICATION, "credential helper"},
      {"fatal: unable to access x: The requested URL returned error: 403",
       HOOKRUN_ERROR_AUTHENTICATION, "credential helper"},
      {"fatal: unable to access x: server certificate verification failed. CAfile: none",
       HOOKRUN_ERROR_UNTRUSTED, "authority"},
      {"fatal: detected dubious ownership in repository at x", HOOKRUN_ERROR_UNTRUSTED,
       "safe.directory"},
      {"ssh: Could not resolve hostname x", HOOKRUN_ERROR_CONNECTION, "url"},
      {"fatal: unable to access x: Could not resolve host: x", HOOKRUN_ERROR_CONNECTION, "network"},
      {"fatal: early EOF", HOOKRUN_ERROR_CONNECTION, "try again"},
      {"fatal: write error: No space left on device", HOOKRUN_ERROR_NO_SPACE,
       "free space on the disk of \"/tree\""},
      {"error: Unable to create 'packed-refs.lock': File exists.", HOOKRUN_ERROR_BUSY,
       "remove \"/git\""},
      {"error: object file objects/1 is empty", HOOKRUN_ERROR_IO, "remove \"/git\""},
      {"fatal: x does not appear to be a git repository", HOOKRUN_ERROR_NOT_FOUND, "[scm]"},
      {"remote: Repository not found.", HOOKRUN_ERROR_NOT_FOUND, "[scm]"},
      {"fatal: something else", HOOKRUN_ERROR_COMMAND, NULL},
  };
  static const char noise[] = "fatal: Could not read from remote repository.\\n\\nPlease make sure "
                              "you have the correct access rights\\nand the repository exists.";
  HookrunGit git = {.git_dir = "/git", .work_tree = "/tree"};

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *script =
        g_strdup_printf ("printf '%%b\\n' \"%s\\n%s\" >&2; exit 128", rows[i].line, noise);
    g_autofree char *line = g_strndup (
        rows[i].line, strlen (rows[i].line) - (g_str_has_suffix (rows[i].line, ".") ? 1 : 0));
    g_autofree char *start = g_strconcat ("git version: ", line, NULL);

    replace_git (self, script);
    g_clear_error (&self->error);
    g_assert_false (hookrun_git_run (&git, version, NULL, NULL, &self->error));
    g_assert_error (self->error, HOOKRUN_ERROR, (int)rows[i].code);
    g_test_message ("%s", self->error->message);
    g_assert_true (g_str_has_prefix (self->error->message, start));
    g_assert_null (strstr (self->error->message, "access rights"));
    if (rows[i].remedy == NULL)
      g_assert_cmpstr (self->error->message, ==, start);
    else
      g_assert_nonnull (strstr (self->error->message + strlen (start), rows[i].remedy));
  }
}

static void
test_hide_password (Fixture *self, gconstpointer unused)
{
  static const char *const rows[][2] = {
      {"https://a:b@c/d:e@f", "https://a:…@c/d:e@f"},
      {"https://token@c/d", "https://token@c/d"},
      {"https://c:80/d@e", "https://c:80/d@e"},
      {"git@c:a/b", "git@c:a/b"},
      {"/a:b@c", "/a:b@c"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *shown = hookrun_git_hide_password (rows[i][0]);

    g_assert_cmpstr (shown, ==, rows[i][1]);
  }
}

/* A helper that git leaves behind holds the pipes open; that is no reason to wait for it. */
static void
test_left_behind (Fixture *self, gconstpointer unused)
{
  HookrunGit git = {NULL};
  g_autoptr (GByteArray) output = NULL;
  gint64 start = g_get_monotonic_time ();

  replace_git (self, "sleep 5 & echo answer");
  g_assert_true (hookrun_git_run (&git, version, &output, NULL, &self->error));
  g_assert_no_error (self->error);
  g_assert_cmpstr ((const char *)output->data, ==, "answer\n");
  g_assert_cmpint (g_get_monotonic_time () - start, <, 3 * G_USEC_PER_SEC);
}

/* No terminal, no prompts, no other protocols, nothing from a surrounding repository. */
static void
test_environment (Fixture *self, gconstpointer unused)
{
  HookrunGit git = {.git_dir = "/a", .work_tree = "/b", .index_file = "/c"};
  g_autoptr (GByteArray) output = NULL;

  replace_git (self, "echo $GIT_DIR $GIT_WORK_TREE $GIT_INDEX_FILE $GIT_NAMESPACE "
                     "$GIT_TERMINAL_PROMPT $GIT_ALLOW_PROTOCOL $LC_ALL;"
                     "(: < /dev/tty) 2>/dev/null || echo no terminal; cat; echo $2 $4");
  g_setenv ("GIT_NAMESPACE", "evil", TRUE);
  g_assert_true (hookrun_git_run (&git, version, &output, NULL, &self->error));
  g_unsetenv ("GIT_NAMESPACE");
  g_assert_cmpstr ((const char *)output->data, ==,
                   "/a /b /c 0 file:git:http:https:ssh C\nno terminal\n"
                   "core.hooksPath=/dev/null gc.autoDetach=false\n");
}

/* The real one: an address that names a command is not run even if it got this far. */
static void
test_command_as_address (Fixture *self, gconstpointer unused)
{
  HookrunGit git = {NULL};
  g_autofree char *made = fixture_path (self, "made");
  g_autofree char *url = g_strdup_printf ("ext::touch %s", made);
  const char *args[] = {"ls-remote", "--", url, NULL};

  g_setenv ("PATH", "/usr/bin:/bin", TRUE);
  g_assert_false (hookrun_git_run (&git, args, NULL, NULL, &self->error));
  g_assert_error (self->error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
  g_assert_nonnull (strstr (self->error->message, "transport 'ext' not allowed"));
  g_assert_false (g_file_test (made, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("missing", test_missing);
  ADD ("crash", test_crash);
  ADD ("last-lines", test_last_lines);
  ADD ("silent-failure", test_silent_failure);
  ADD ("silence", test_silence);
  ADD ("diagnoses", test_diagnoses);
  ADD ("hide-password", test_hide_password);
  ADD ("left-behind", test_left_behind);
  ADD ("environment", test_environment);
  ADD ("command-as-address", test_command_as_address);
  return g_test_run ();
}
