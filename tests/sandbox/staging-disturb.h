/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A commit during which something else happens, at each call to the kernel in turn. */
#pragma once

#include "staging-fixture.h"

typedef struct {
  StagingFixture f;
  char *target; /* "sub/removed" is the other one */
  char *folder; /* of "sub/created" and "sub/removed" */
  char *moved;
  char *victim; /* a folder that nobody may touch */
} StagingWorld;

typedef struct {
  void (*act) (gpointer world);
  void (*check) (StagingWorld *world, int status);
  void (*prepare) (StagingWorld *world); /* (nullable): mounts the targets, before there are any */
} StagingDisturbance;

/* With a StagingDisturbance. */
void staging_disturb (gconstpointer data);

/* As the next program does. */
void staging_disturb_recover (StagingWorld *world);
/* All but "replaced" is new, or old; @folder is what "sub" is called now. */
void staging_disturb_check_side (StagingWorld *world, const char *folder, gboolean done);
