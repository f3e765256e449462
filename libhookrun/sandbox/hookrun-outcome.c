/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a confined program ended. */
#include "hookrun-sandbox-private.h"

G_DEFINE_BOXED_TYPE (HookrunOutcome, hookrun_outcome, hookrun_outcome_copy, hookrun_outcome_free)

/**
 * hookrun_outcome_copy:
 * @self: an outcome
 *
 * Copies an outcome.
 *
 * Returns: (transfer full): a copy; free it with [method@Hookrun.Outcome.free]
 *
 * Since: 1.0
 */
HookrunOutcome *
hookrun_outcome_copy (const HookrunOutcome *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return g_memdup2 (self, sizeof *self);
}

/**
 * hookrun_outcome_free:
 * @self: (transfer full) (nullable): an outcome
 *
 * Frees an outcome.
 *
 * Since: 1.0
 */
void
hookrun_outcome_free (HookrunOutcome *self)
{
  g_free (self);
}

static const char *const limit_words[HOOKRUN_N_LIMITS] = {
    [HOOKRUN_LIMIT_WALL] = "took longer than its limit \"wall\" allows",
    [HOOKRUN_LIMIT_CPU] = "used more processor time than its limit \"cpu\" allows",
    [HOOKRUN_LIMIT_MEMORY] = "used more than its limit \"memory\" allows",
    [HOOKRUN_LIMIT_PROCESSES] = "started more processes than its limit \"processes\" allows",
    [HOOKRUN_LIMIT_FILE_SIZE] = "wrote a larger file than its limit \"file-size\" allows",
    [HOOKRUN_LIMIT_DISK] = "wrote more than its limit \"disk\" allows",
};

/**
 * hookrun_outcome_describe:
 * @self: an outcome
 *
 * Says how the program ended, as the rest of a sentence: `exited with status 1`.
 *
 * Returns: (transfer full): words without a full stop
 *
 * Since: 1.0
 */
char *
hookrun_outcome_describe (const HookrunOutcome *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  if ((guint)self->limit < HOOKRUN_N_LIMITS && limit_words[self->limit] != NULL)
    return self->exited ? g_strdup_printf ("%s and exited with status %d", limit_words[self->limit],
                                           self->exit_status)
                        : g_strdup_printf ("%s and was killed", limit_words[self->limit]);
  if (self->stopped)
    return g_strdup ("was stopped");
  if (self->exited)
    return g_strdup_printf ("exited with status %d", self->exit_status);
  if (self->term_signal != 0)
    return g_strdup_printf ("was killed by signal %d (%s)", self->term_signal,
                            g_strsignal (self->term_signal));
  return g_strdup ("ended, but how was lost: the host ignores SIGCHLD or waits for any child");
}
