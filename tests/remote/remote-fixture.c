/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder, a tree and a target for the tests of syncs and layouts. */
#include "remote-fixture.h"

#include <unistd.h>

static void
choose_target (RemoteFixture *self, RemoteKind kind, const char *sshd_lines)
{
  g_autofree char *plain = NULL;

  if (kind == REMOTE_LOCAL) {
    self->spec = g_strdup_printf ("local:%s/root", self->folder);
    self->path = g_strdup ("/there");
    return;
  }
  self->sshd = sshd_fixture_new (sshd_lines);
  sshd_fixture_use (self->sshd, NULL);
  plain = sshd_fixture_spec (self->sshd);
  self->spec = g_strconcat (kind == REMOTE_SSH ? "" : "ssh-program:", plain, NULL);
  self->path = g_strdup (self->there);
}

RemoteFixture *
remote_fixture_new (RemoteKind kind, const char *sshd_lines)
{
  RemoteFixture *self = g_new0 (RemoteFixture, 1);
  g_autofree char *made = NULL;

  self->folder = g_dir_make_tmp ("hookrun-remote-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  self->source = g_build_filename (self->folder, "source", NULL);
  self->there = g_build_filename (self->folder, "root", "there", NULL);
  made = remote_fixture_shell (self, "mkdir source root");
  choose_target (self, kind, sshd_lines);
  self->target = remote_fixture_connect_again (self);
  return self;
}

void
remote_fixture_free (RemoteFixture *self)
{
  g_autofree char *removed = NULL;

  g_clear_object (&self->target);
  g_clear_pointer (&self->sshd, sshd_fixture_free);
  removed = remote_fixture_shell (self, "chmod -R u+rwX . && rm -rf \"$PWD\"");
  g_free (self->folder);
  g_free (self->source);
  g_free (self->there);
  g_free (self->spec);
  g_free (self->path);
  g_free (self);
}

HookrunTarget *
remote_fixture_connect_again (RemoteFixture *self)
{
  g_autoptr (GError) error = NULL;
  HookrunTarget *target = hookrun_target_new_for_spec (self->spec, &error);

  g_assert_no_error (error);
  return target;
}

char *
remote_fixture_shell (RemoteFixture *self, const char *script)
{
  const char *argv[] = {"/bin/bash", "-c", script, NULL};
  g_autoptr (GError) error = NULL;
  g_autofree char *errors = NULL;
  char *output = NULL;
  int status = 0;

  g_spawn_sync (self->folder, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors,
                &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_error ("script failed: %s: %s", script, errors);
  return output;
}

void
remote_fixture_make_odd_tree (RemoteFixture *self)
{
  static const char script[] =
      "cd source\n"
      "mkdir -p a/b/c empty 'with space' -- '-dash' $'new\\nline'\n"
      "echo one >a/one; echo two >a/b/two; echo deep >a/b/c/deep; : >a/zero\n"
      "echo dash >./-dash/-rf; echo quote >\"it's \\\"quoted\\\" \\$HOME \\`x\\`\"\n"
      "echo newline >$'new\\nline/two\\nlines'; echo bytes >$'latin-\\xe4\\xff'\n"
      "echo back >'back\\#012slash'; echo arrow >'a -> b'; echo star >'*'\n"
      "echo tail >'trailing '; echo head >' leading'; echo utf >'größe'\n"
      "ln -s a/one link; ln -s /nonexistent/absolute dangling; ln -s ../.. out; ln -s a a-link\n"
      "ln -s $'odd\\n -> target' 'odd -> link'\n"
      "echo run >program; chmod 755 program; chmod 600 a/one; chmod 2750 a/b; chmod 444 a/zero\n"
      "long=$(printf 'x%.0s' {1..200}); mkdir $long; echo long >$long/$long; ln -s $long/$long "
      "lnk\n"
      "head -c 300000 /dev/urandom >large\n"
      "touch -d '2001-02-03 04:05:06' a/one large\n";
  g_autofree char *made = remote_fixture_shell (self, script);
}

void
remote_fixture_assert_same (RemoteFixture *self, const char *first, const char *second)
{
  static const char list[] =
      "cd '%s' && find . ! -type d -printf '%%y %%m %%T@ %%P -> %%l\\n' | sed "
      "'s/\\.[0-9]* / /' | sort; find . -type d -printf '%%m %%P\\n' | sort;"
      "find . -type f -print0 | sort -z | xargs -0 sha256sum";
  g_autofree char *first_script = g_strdup_printf (list, first);
  g_autofree char *second_script = g_strdup_printf (list, second);
  g_autofree char *first_list = remote_fixture_shell (self, first_script);
  g_autofree char *second_list = remote_fixture_shell (self, second_script);

  g_assert_cmpstr (first_list, ==, second_list);
}
