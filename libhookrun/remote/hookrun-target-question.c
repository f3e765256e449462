/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The questions of a target to a person. The function is kept with the object, so every kind of
 * target has it without a line of its own.
 */
#include "hookrun-target-question-private.h"

typedef struct {
  HookrunTargetQuestion func;
  gpointer user_data;
  GDestroyNotify destroy;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  if (question->destroy != NULL)
    question->destroy (question->user_data);
  g_free (question);
}

static GQuark
question_quark (void)
{
  return g_quark_from_static_string ("hookrun-target-question");
}

/**
 * hookrun_target_set_question:
 * @self: a target
 * @func: (nullable) (scope notified) (closure user_data) (destroy destroy): asks a person;
 * %NULL refuses every question, as a target does that was never given a function
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets how the target asks whether to trust an unknown host key, and for passphrases. @func is
 * called in the main context of the call that connects, and may block it.
 *
 * Since: 1.0
 */
void
hookrun_target_set_question (HookrunTarget *self, HookrunTargetQuestion func, gpointer user_data,
                             GDestroyNotify destroy)
{
  Question *question = NULL;

  g_return_if_fail (G_IS_OBJECT (self));

  if (func != NULL) {
    question = g_new (Question, 1);
    *question = (Question){func, user_data, destroy};
  }
  g_object_set_qdata_full (G_OBJECT (self), question_quark (), question, question_free);
}

gboolean
hookrun_target_can_ask (HookrunTarget *self)
{
  return g_object_get_qdata (G_OBJECT (self), question_quark ()) != NULL;
}

char *
hookrun_target_ask (HookrunTarget *self, const char *title, const char *text, gboolean secret)
{
  Question *question = g_object_get_qdata (G_OBJECT (self), question_quark ());

  if (question == NULL)
    return NULL;
  return question->func (self, title, text, secret, question->user_data);
}

void
hookrun_target_share_question (HookrunTarget *from, HookrunTarget *to)
{
  Question *question = g_object_get_qdata (G_OBJECT (from), question_quark ());

  if (question == NULL)
    hookrun_target_set_question (to, NULL, NULL, NULL);
  else
    hookrun_target_set_question (to, question->func, question->user_data, NULL);
}
