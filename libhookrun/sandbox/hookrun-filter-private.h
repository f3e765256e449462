/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System call filters: what becomes of each call, and the program that makes the kernel see to it.
 */
#pragma once

#include <glib.h>
#include <linux/filter.h>

G_BEGIN_DECLS

typedef enum {
  HOOKRUN_CALL_ALLOW,
  HOOKRUN_CALL_REFUSE,      /* EPERM */
  HOOKRUN_CALL_ABSENT,      /* ENOSYS: callers have an older way */
  HOOKRUN_CALL_UNSUPPORTED, /* EOPNOTSUPP: as on a file system without it */
  HOOKRUN_CALL_ASK,         /* the broker answers */
  HOOKRUN_CALL_KILL,
  HOOKRUN_CALL_AND, /* of a test: the next one must hold, too */
} HookrunCallAction;

typedef enum {
  HOOKRUN_TEST_END,
  HOOKRUN_TEST_EQUAL,
  HOOKRUN_TEST_NOT_EQUAL,
  HOOKRUN_TEST_ANY_BIT,
  HOOKRUN_TEST_NO_BIT,
  HOOKRUN_TEST_MASKED_EQUAL, /* (argument & mask) == value */
} HookrunTestKind;

/* One look at the low half of an argument: the first that holds decides. The kernel takes the
 * arguments that are tested here as 32 bits, so that the high half never counts. */
typedef struct {
  HookrunTestKind kind;
  guint argument;
  guint32 value;
  HookrunCallAction action;
  guint32 mask;
} HookrunCallTest;

typedef struct {
  int call;
  HookrunCallAction action;     /* when no test holds */
  const HookrunCallTest *tests; /* (nullable): ended by HOOKRUN_TEST_END */
} HookrunCallRule;

/* Calls above this number came after these tables were written. */
extern const guint32 hookrun_newest_call;

/* What a filter depends on besides its tables. */
typedef struct {
  gboolean has_broker;    /* modes and times are asked for, else refused */
  gboolean asks_truncate; /* the kernel's Landlock does not see truncate() */
  gboolean asks_signals;  /* nor signals to others */
  gboolean has_tcp;       /* TCP sockets */
  gboolean has_bind;      /* and some that may listen */
  gboolean has_udp;       /* and UDP, and the questions about interfaces */
  gboolean has_unix;      /* sockets that connect by path */
  gboolean keeps_group;   /* nobody leaves the process group */
  guint32 secret[4];      /* but whoever knows this may make a session, and a
                         child with clone3() */
} HookrunFilterOptions;

/* (transfer full): the program, for seccomp(). */
GArray *hookrun_filter_build (const HookrunFilterOptions *options);

/* What @program says about a call of this architecture: SECCOMP_RET_… */
guint32 hookrun_filter_run (const GArray *program, int call, const guint64 args[6]);
extern const guint32 hookrun_native_arch;

/* Adds the calls whose fate is always the same. */
void hookrun_filter_add_calls (GArray *rules);

/* Room for the tests that are made of the secret: the four words of it, and the end. */
typedef struct {
  HookrunCallTest session[5];
  HookrunCallTest child[5];
} HookrunFilterTests;

/* (transfer full): HookrunCallRule, sorted by number, each number once. @tests must outlive them.
 */
GArray *hookrun_filter_rules (const HookrunFilterOptions *options, HookrunFilterTests *tests);

G_END_DECLS
