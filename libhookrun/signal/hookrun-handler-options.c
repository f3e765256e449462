/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handler options as a boxed type. C programs write them as constants; other languages, which
 * cannot fill arrays of a structure, make them here.
 */
#include "hookrun-registry.h"

G_DEFINE_BOXED_TYPE (HookrunHandlerOptions, hookrun_handler_options, hookrun_handler_options_copy,
                     hookrun_handler_options_free)

/**
 * hookrun_handler_options_new:
 * @before: (nullable) (array zero-terminated=1): ids of handlers that the handler runs before
 * @after: (nullable) (array zero-terminated=1): ids of handlers that the handler runs after
 * @replaces: (nullable): id of the handler whose place it takes
 * @subject: (nullable): it runs only in emissions for this subject
 *
 * Makes options that own what they hold. The numbers are zero and may be set afterwards.
 *
 * Returns: (transfer full): new options; free them with [method@Hookrun.HandlerOptions.free]
 *
 * Since: 1.0
 */
HookrunHandlerOptions *
hookrun_handler_options_new (const char *const *before, const char *const *after,
                             const char *replaces, const char *subject)
{
  HookrunHandlerOptions *self = g_new0 (HookrunHandlerOptions, 1);

  self->before = (const char *const *)g_strdupv ((char **)before);
  self->after = (const char *const *)g_strdupv ((char **)after);
  self->replaces = g_strdup (replaces);
  self->subject = g_strdup (subject);
  return self;
}

/**
 * hookrun_handler_options_copy:
 * @self: options
 *
 * Copies options with all that they hold.
 *
 * Returns: (transfer full): a copy; free it with [method@Hookrun.HandlerOptions.free]
 *
 * Since: 1.0
 */
HookrunHandlerOptions *
hookrun_handler_options_copy (const HookrunHandlerOptions *self)
{
  HookrunHandlerOptions *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = g_memdup2 (self, sizeof *self);
  copy->before = (const char *const *)g_strdupv ((char **)self->before);
  copy->after = (const char *const *)g_strdupv ((char **)self->after);
  copy->replaces = g_strdup (self->replaces);
  copy->subject = g_strdup (self->subject);
  return copy;
}

/**
 * hookrun_handler_options_free:
 * @self: (transfer full) (nullable): options that [ctor@Hookrun.HandlerOptions.new] or
 *   [method@Hookrun.HandlerOptions.copy] made; never a constant
 *
 * Frees options with all that they hold.
 *
 * Since: 1.0
 */
void
hookrun_handler_options_free (HookrunHandlerOptions *self)
{
  if (self == NULL)
    return;
  g_strfreev ((char **)self->before);
  g_strfreev ((char **)self->after);
  g_free ((char *)self->replaces);
  g_free ((char *)self->subject);
  g_free (self);
}
