/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small world to escape into: folders, files, a victim process, listeners; and the look from
 * outside at whether anything of it was touched.
 */
#pragma once

#include "hookrun-confinement-private.h"

G_BEGIN_DECLS

typedef struct {
  char *folder;
  char *outside;
  char *inside;
  char *readable;
  char *escape; /* the program of attempts, inside */
  GPid victim;
  int tcp, udp, stream, datagram, abstract; /* listeners */
  int tcp_port, udp_port;
  char *abstract_name;
  int leaked_fd;
  int terminal[2];
  char *picture;     /* of outside and readable, as they were */
  gboolean observes; /* what is tried */
} TestWorld;

char *test_copy_program (const char *name, const char *folder);

TestWorld *test_world_new (void);
void test_world_free (TestWorld *self);

/* (transfer full): what an attempt is run under. */
HookrunPolicy *test_world_policy (TestWorld *self);

typedef struct {
  gboolean says_escaped;
  char *output;
  HookrunOutcome *outcome;
  char *damage; /* (nullable): what changed outside, in words */
} TestTry;

/* Runs the attempt @name, then looks. */
TestTry *test_world_try (TestWorld *self, HookrunSandbox *sandbox, const char *name);
void test_try_free (TestTry *self);
gboolean test_try_is_contained (const TestTry *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestTry, test_try_free)

/* With --user and as root: runs this program as an ordinary user, and its exit status; -1: go on.
 */
int test_as_user (int argc, char **argv);
void test_drop_user_argument (int *argc, char **argv);

G_END_DECLS
