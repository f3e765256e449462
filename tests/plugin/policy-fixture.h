/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A place with a secret, a folder that is granted, and somebody who listens, for plugins that try
 * what their policy denies. What came of it is seen from outside.
 */
#pragma once

#include <gio/gio.h>

#include "plugin-fixture.h"

G_BEGIN_DECLS

/* Grants "granted"; "secret" and "outside" are what a plugin must not get at. */
#define POLICY "{\"base\": true, \"read\": [\"@/granted\"], \"write\": [\"@/granted\"]}"

/* Manifests of the attack, without the closing brace. */
#define EXECUTABLE                                                                                 \
  "{\"id\": \"p\", \"version\": \"1\", \"kind\": \"executable\", \"file\": \"attack\","            \
  " \"signals\": [\"test.run\"]"
#define PYTHON                                                                                     \
  "{\"id\": \"p\", \"version\": \"1\", \"kind\": \"worker\", \"file\": \"attack.py\","             \
  " \"load\": \"at-start\""

typedef struct {
  Fixture plain;
  GSocketListener *listener;
  guint16 port;
} PolicyFixture;

/* With the word --as-user the tests run as nobody where they were started as root. */
void policy_fixture_main (int argc, char **argv);
void policy_fixture_set_up (PolicyFixture *self, gconstpointer unused);
void policy_fixture_tear_down (PolicyFixture *self, gconstpointer unused);

/* (transfer full): @text with "@/" for the folder of the test and "#PORT#" for the port. */
char *policy_fixture_fill (PolicyFixture *self, const char *text);
void policy_fixture_write (PolicyFixture *self, const char *name, const char *text, mode_t mode);
/* The plugin "p" of the manifest's @text, active for "shop". */
void policy_fixture_activate (PolicyFixture *self, const char *text);

/* The attack as a program of shell, as the program of a hook, and as a plugin in Python. */
extern const char policy_attack_shell[];
extern const char policy_attack_python[];

/* Runs the attack once: it did all that it was granted, and everything or nothing of the rest. */
void policy_fixture_assert_contained (PolicyFixture *self);
void policy_fixture_assert_free (PolicyFixture *self);
/* Nothing runs any more that wrote its number into the file. */
void policy_fixture_assert_gone (PolicyFixture *self, const char *name);
/* Processor time of the children with that part in /proc/PID/stat, in ticks, one more for each. */
guint64 policy_fixture_ticks (const char *command);

G_END_DECLS
