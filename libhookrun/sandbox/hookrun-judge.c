/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tells a denial from an ordinary error. The filter's own program says what the filter did; for
 * the rest, what is granted is compared with what was wanted, and a call that would have failed
 * without any sandbox is none of ours.
 */
#include "hookrun-judge-private.h"
#include "hookrun-filter-private.h"
#include "hookrun-policy-private.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

HookrunJudge *
hookrun_judge_new (HookrunPolicy *policy, GArray *filter, gboolean hides)
{
  HookrunJudge *self = g_new0 (HookrunJudge, 1);
  g_autoptr (GPtrArray) grants = hookrun_policy_collect_grants (policy);

  self->policy = hookrun_policy_ref (policy);
  self->grants = hookrun_grants_new ();
  self->filter = filter != NULL ? g_array_ref (filter) : NULL;
  self->hides = hides;
  for (guint i = 0; i < grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (grants, i);
    char *real = realpath (grant->path, NULL);

    if (real != NULL)
      hookrun_grants_add (self->grants, real, grant->access, FALSE);
    free (real);
  }
  return self;
}

void
hookrun_judge_free (HookrunJudge *self)
{
  hookrun_policy_unref (self->policy);
  g_ptr_array_unref (self->grants);
  g_clear_pointer (&self->filter, g_array_unref);
  g_free (self);
}

HookrunAccess
hookrun_judge_covers (const HookrunJudge *self, const char *path)
{
  HookrunAccess access = HOOKRUN_ACCESS_NONE;

  for (guint i = 0; i < self->grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (self->grants, i);
    gsize length = strcmp (grant->path, "/") == 0 ? 0 : strlen (grant->path);

    if (strncmp (path, grant->path, length) == 0 && (path[length] == '\0' || path[length] == '/'))
      access |= grant->access;
  }
  return access;
}

/* ---- limits ---- */

/* What a call fails with when the program itself is at its limit. */
static const struct {
  int call;
  int problem;
  HookrunLimit limit;
} limits[] = {
    {SYS_clone, EAGAIN, HOOKRUN_LIMIT_PROCESSES},
    {SYS_mmap, ENOMEM, HOOKRUN_LIMIT_MEMORY},
    {SYS_mremap, ENOMEM, HOOKRUN_LIMIT_MEMORY},
    {SYS_write, EFBIG, HOOKRUN_LIMIT_FILE_SIZE},
    {SYS_pwrite64, EFBIG, HOOKRUN_LIMIT_FILE_SIZE},
    {SYS_writev, EFBIG, HOOKRUN_LIMIT_FILE_SIZE},
    {SYS_ftruncate, EFBIG, HOOKRUN_LIMIT_FILE_SIZE},
    {SYS_fallocate, EFBIG, HOOKRUN_LIMIT_FILE_SIZE},
#ifdef __x86_64__
    {SYS_fork, EAGAIN, HOOKRUN_LIMIT_PROCESSES},
    {SYS_vfork, EAGAIN, HOOKRUN_LIMIT_PROCESSES},
#endif
};

static HookrunDenial *
judge_limit (const HookrunJudge *self, const HookrunObservedCall *call, int problem)
{
  g_autofree char *name = hookrun_observed_name (call->number);
  HookrunLimit limit = problem == EMFILE ? HOOKRUN_LIMIT_DESCRIPTORS : HOOKRUN_LIMIT_NONE;

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    if (limits[i].call == call->number && limits[i].problem == problem)
      limit = limits[i].limit;
  if (limit == HOOKRUN_LIMIT_FILE_SIZE && self->policy->limits[limit] == 0)
    limit = HOOKRUN_LIMIT_DISK;
  if (limit == HOOKRUN_LIMIT_NONE ||
      (limit != HOOKRUN_LIMIT_DESCRIPTORS && self->policy->limits[limit] == 0))
    return NULL;
  return hookrun_denial_new_for_limit (self->policy, limit, name, problem);
}

/* ---- calls ---- */

static HookrunDenial *
judge (const HookrunJudge *self, HookrunObservedCall *call, int problem)
{
  HookrunDenial *denial = NULL;

  if (call->row != NULL) {
    hookrun_observed_call_read (call);
    denial = call->row->kind >= HOOKRUN_OBSERVED_SOCKET
                 ? hookrun_judge_sockets (self, call, problem)
                 : hookrun_judge_files (self, call, problem);
  }
  if (denial == NULL && problem != 0)
    denial = judge_limit (self, call, problem);
  if (denial != NULL)
    denial->program = hookrun_process_name (call->pid);
  return denial;
}

HookrunDenial *
hookrun_judge_failure (const HookrunJudge *self, HookrunObservedCall *call, int problem)
{
  guint32 verdict = self->filter != NULL
                        ? hookrun_filter_run (self->filter, call->number, call->args)
                        : SECCOMP_RET_ALLOW;
  HookrunDenial *denial;

  if ((verdict & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
    return judge (self, call, problem);
  denial = hookrun_judge_filtered (self, call, problem);
  denial->program = hookrun_process_name (call->pid);
  return denial;
}

HookrunDenial *
hookrun_judge_success (const HookrunJudge *self, HookrunObservedCall *call)
{
  return judge (self, call, 0);
}
