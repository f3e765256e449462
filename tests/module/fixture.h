/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A project in a temporary folder, for the tests of modules. */
#pragma once

#include <hookrun.h>

typedef struct {
  char *folder;
  HookrunProject *project;
  GError *error;
} Fixture;

static inline void
fixture_set_up (Fixture *self, gconstpointer unused)
{
  self->folder = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
}

static inline void
fixture_tear_down (Fixture *self, gconstpointer unused)
{
  const char *argv[] = {"rm", "-rf", "--", self->folder, NULL};

  g_clear_object (&self->project);
  g_clear_error (&self->error);
  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_free (self->folder);
}

static inline char *
fixture_path (Fixture *self, const char *file)
{
  return g_build_filename (self->folder, file, NULL);
}

static inline void
fixture_write (Fixture *self, const char *file, const char *text)
{
  g_autofree char *path = fixture_path (self, file);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static inline void
fixture_load (Fixture *self)
{
  g_clear_object (&self->project);
  g_clear_error (&self->error);
  self->project = hookrun_project_load (self->folder, &self->error);
  g_assert_true ((self->project == NULL) == (self->error != NULL));
}

/* Loads a project of one module "shop" with this file. */
static inline HookrunModule *
fixture_load_shop (Fixture *self, const char *text)
{
  fixture_write (self, "project.ini",
                 "[project]\nname = Test\n[hosts]\nproduction = deploy@example.org\n"
                 "testing = local:/tmp/x\n[modules]\nshop =\n");
  fixture_write (self, "shop/shop.ini", text);
  fixture_load (self);
  return self->project != NULL ? hookrun_project_lookup_module (self->project, "shop", NULL) : NULL;
}
