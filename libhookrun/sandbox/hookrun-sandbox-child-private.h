/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way from the host to the confined program: a plan that the host makes, and the child that
 * follows it in the host's memory, allocating nothing. */
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>

#include "hookrun-namespaces-private.h"
#include "hookrun-sandbox-private.h"

G_BEGIN_DECLS

#define HOOKRUN_SANDBOX_CHILD_MAX_LIMITS 8
#define HOOKRUN_SANDBOX_CHILD_MAX_FDS 64

typedef enum {
  HOOKRUN_STAGE_BEGIN,
  HOOKRUN_STAGE_CGROUP,
  HOOKRUN_STAGE_GROUP,
  HOOKRUN_STAGE_NAMESPACES,
  HOOKRUN_STAGE_FOLDER,
  HOOKRUN_STAGE_STREAMS,
  HOOKRUN_STAGE_LIMITS,
  HOOKRUN_STAGE_CAPABILITIES,
  HOOKRUN_STAGE_NO_NEW_PRIVILEGES,
  HOOKRUN_STAGE_LANDLOCK,
  HOOKRUN_STAGE_FILTER,
  HOOKRUN_STAGE_BROKER,
  HOOKRUN_STAGE_OBSERVE,
  HOOKRUN_STAGE_EXECUTE,
} HookrunStage;

/* Lies in a page that the child shares with the host, whatever becomes of the memory. */
typedef struct {
  volatile int stage;
  volatile int problem; /* errno; 0: the program was started */
} HookrunSandboxChildReport;

typedef struct {
  HookrunLayer layers;
  const char *program;
  char *const *argv;
  char *const *environment;
  const char *folder; /* NULL: see folder_fd */
  int folder_fd;
  int null_fd;
  int ruleset_fd; /* -1: none */
  int cgroup_fd;  /* -1: none */
  int cgroup_entry_fd;
  gboolean uses_clone3;
  int broker_fd; /* where the listener is sent; -1: none */
  int gate_fd;   /* where it waits until it is observed; -1: it is not to be */
  const HookrunPassedFd *passed;
  guint n_passed;
  struct {
    int resource;
    struct rlimit value;
  } limits[HOOKRUN_SANDBOX_CHILD_MAX_LIMITS];
  guint n_limits;
  struct sock_fprog filter; /* no instructions: none */
  guint filter_flags;
  const HookrunNamespaces *namespaces; /* NULL: none */
  gboolean only_tries;                 /* ends instead of running anything */
  gboolean is_confined;                /* by the thread that it comes from */
  guint32 secret[4];
  HookrunSandboxChildReport *report;
} HookrunSandboxChildPlan;

/* Confines the calling thread for good: capabilities locked, no new privileges, ruleset, filter;
 * @listener gets the broker's end of the filter, or -1. FALSE with a report on failure. */
gboolean hookrun_sandbox_child_confine (const HookrunSandboxChildPlan *plan, int *listener);

/* Runs in the child: never returns. */
int hookrun_sandbox_child_main (gpointer plan);

/* Whether a child can be born into a control group here, and its call be told by a secret. */
gboolean hookrun_sandbox_child_has_clone3 (void);

/* Starts the child and waits until it runs the program or has failed: see the report. -1 with errno
 * when there is no child. @stack_top is the end of memory for it. */
pid_t hookrun_sandbox_child_start (const HookrunSandboxChildPlan *plan, gpointer stack_top,
                                   int *pidfd);

G_END_DECLS
