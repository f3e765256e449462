/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of plugins share: a folder of their own, a registry with a signal that leaves a
 * trail in its data, an engine, and the lines that it logged.
 */
#pragma once

#include "hookrun-engine-private.h"

G_BEGIN_DECLS

typedef struct {
  char *folder;
  HookrunRegistry *registry;
  HookrunSignal *signal; /* "test.run" with the fields trail, count, flag, names, secret, fixed */
  HookrunSignal *other;  /* "test.other" with the same fields */
  HookrunEngine *engine;
  GString *log; /* "level plugin text\n" for each line */
} Fixture;

void fixture_set_up (Fixture *fixture, gconstpointer unused);
void fixture_tear_down (Fixture *fixture, gconstpointer unused);

/* (transfer full): path of @name in the folder. */
char *fixture_path (Fixture *fixture, const char *name);
void fixture_write (Fixture *fixture, const char *name, const char *text, mode_t mode);
/* Copies a shared module of this folder's build, as @name. */
void fixture_copy_module (Fixture *fixture, const char *module, const char *name);
/* A plugin of that text, in no file. */
HookrunPlugin *fixture_add (Fixture *fixture, const char *json);

/* Emits "test.run" for @subject with fresh data; gives the trail. */
char *fixture_run (Fixture *fixture, const char *subject, GError **error);
HookrunData *fixture_data (Fixture *fixture);

/* A hook that adds its id to the trail. */
#define HOOK_APPENDS                                                                               \
  "#!/bin/sh\nprintf '{\"trail\": \"%s%s \"}' \"$HOOKRUN_TRAIL\" \"$HOOKRUN_HANDLER\" >&3\n"

/* Writes hooks of "test.run" (name, text, name, text, …, NULL) and activates the folder as the
 * plugin "hooks". */
void fixture_add_hooks (Fixture *fixture, const char *const *names_and_texts);

#define HOOKS(...) ((const char *const[]){__VA_ARGS__, NULL})

#define fixture_assert_trail(fixture, subject, expected)                                           \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GError) trail_error = NULL;                                                         \
    g_autofree char *trail = fixture_run (fixture, subject, &trail_error);                         \
    g_assert_no_error (trail_error);                                                               \
    g_assert_cmpstr (trail, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

#define assert_has(text, part)                                                                     \
  G_STMT_START                                                                                     \
  {                                                                                                \
    const char *assert_text = (text);                                                              \
    if (strstr (assert_text, part) == NULL)                                                        \
      g_error ("\"%s\" does not contain \"%s\"", assert_text, part);                               \
  }                                                                                                \
  G_STMT_END

G_END_DECLS
