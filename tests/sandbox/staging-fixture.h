/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder with targets, a stage and a state folder, for tests of staged files. */
#pragma once

#include <hookrun.h>

typedef struct {
  char *root;
  char *targets; /* ROOT/targets */
  char *stages;  /* ROOT/stage */
  char *state;   /* ROOT/state */
  HookrunStaging *staging;
  HookrunStage *stage;
} StagingFixture;

void staging_fixture_set_up (StagingFixture *fixture);
void staging_fixture_tear_down (StagingFixture *fixture);

/* A new stage, as for another run. */
void staging_fixture_new_stage (StagingFixture *fixture, const char *module);
/* Forgets the objects and opens the state again, as another program would. */
void staging_fixture_reopen (StagingFixture *fixture);

/* (transfer full): path of @name among the targets. */
char *staging_fixture_target (StagingFixture *fixture, const char *name);
void staging_fixture_write (StagingFixture *fixture, const char *name, const char *text,
                            guint mode);
void staging_fixture_link (StagingFixture *fixture, const char *name, const char *text);
/* (transfer full): "none", "link TEXT" or "file MODE UID:GID XATTR TEXT" */
char *staging_fixture_describe (const char *path);
void staging_fixture_assert (StagingFixture *fixture, const char *name, const char *text);
/* Nothing of ours lies beside the targets. */
void staging_fixture_assert_clean (StagingFixture *fixture);

/* (transfer full): the path in the stage. */
char *staging_fixture_declare (StagingFixture *fixture, const char *name);
void staging_fixture_stage (StagingFixture *fixture, const char *name, const char *text);
GPtrArray *staging_fixture_freeze (StagingFixture *fixture);
/* Stages @text for @name, freezes and applies; returns the commit's number. */
guint64 staging_fixture_apply (StagingFixture *fixture, const char *name, const char *text);
guint64 staging_fixture_settle (StagingFixture *fixture, GPtrArray *changes,
                                HookrunStagingAnswer answer);
void staging_fixture_answer (GPtrArray *changes, HookrunStagingAnswer answer);

/* Nobody's number on any usual system. */
#define STAGING_ORDINARY_USER 54321

/* Runs @test in a process of its own, which may give up privileges or mount. */
void staging_fixture_in_child (void (*test) (void));
void staging_fixture_become_ordinary (void);
/* One that may mount, and whose mounts nobody else sees. */
void staging_fixture_own_namespace (void);
