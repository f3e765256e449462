/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any call with any bytes in its memory, judged against a policy: no denial, or one whose words are
 * sound and whose remedy is a policy that can be written and read. */
#include "hookrun-filter-private.h"
#include "hookrun-judge-private.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const int calls[] = {
    SYS_openat,   SYS_execve, SYS_mkdirat,   SYS_unlinkat, SYS_renameat2, SYS_truncate,
    SYS_fchmodat, SYS_statx,  SYS_symlinkat, SYS_mknodat,  SYS_connect,   SYS_bind,
    SYS_socket,   SYS_kill,   SYS_fchmod,    SYS_ptrace,   SYS_mmap,      SYS_write,
};
static const int problems[] = {0,     EACCES, EPERM,  ENOENT, EXDEV,
                               EROFS, EMFILE, ENOMEM, EFBIG,  ENOSYS};

static void
check (HookrunDenial *denial)
{
  g_autoptr (HookrunDenial) owned = denial;
  g_autofree char *words = NULL;
  g_autofree char *text = NULL;
  g_autoptr (HookrunPolicy) again = NULL;

  if (denial == NULL)
    return;
  words = hookrun_denial_describe (denial);
  g_assert_true (g_utf8_validate (words, -1, NULL));
  g_assert_true (denial->remedy != NULL || denial->reason != NULL);
  if (denial->remedy == NULL)
    return;
  text = hookrun_policy_to_json (denial->remedy);
  again = hookrun_policy_new_from_json (text, -1, "the remedy", NULL);
  g_assert_nonnull (again);
  g_assert_true (hookrun_policy_equal (again, denial->remedy));
}

/* Numbers and addresses at the front, what addresses lead to behind them. */
static void
fill_call (HookrunObservedCall *call, const uint8_t *data, size_t size, char *memory)
{
  size_t half = (size - 8) / 2;

  call->pid = getpid ();
  call->number = data[0] < 250 ? calls[data[0] % G_N_ELEMENTS (calls)] : data[0] * 2;
  memcpy (memory, data + 8, half);
  memcpy (memory + 4096, data + 8 + half, size - 8 - half);
  for (guint i = 0; i < G_N_ELEMENTS (call->args); i++)
    call->args[i] =
        (data[1] >> i & 1) == 0 ? data[2 + i] : (guint64)(gsize)(memory + (i < 2 ? 0 : 4096));
  call->row = hookrun_observed_row (call->number);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const HookrunFilterOptions options = {.has_broker = TRUE, .keeps_group = TRUE};
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autoptr (GArray) filter = NULL;
  g_autofree char *memory = NULL;
  HookrunObservedCall call = {0};
  HookrunJudge *judge;
  int problem;

  if (size < 10 || size > 4096)
    return 0;
  policy = hookrun_policy_new_base ();
  filter = hookrun_filter_build (&options);
  memory = g_malloc0 (2 * 4096 + 1);
  judge = hookrun_judge_new (policy, filter, (data[2] & 1) != 0);
  fill_call (&call, data, size, memory);
  problem = problems[data[3] % G_N_ELEMENTS (problems)];
  check (problem != 0 ? hookrun_judge_failure (judge, &call, problem)
                      : hookrun_judge_success (judge, &call));
  hookrun_observed_call_clear (&call);
  hookrun_judge_free (judge);
  return 0;
}
