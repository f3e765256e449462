/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What copies, syncs and layouts share: waiting for an asynchronous call of a target from a
 * function that blocks, running one command with all its choices, paths below the target's root.
 */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

/* Starts a call in the target's main context; @callback is to be given to it. */
typedef void (*HookrunTargetStart) (HookrunTarget *self, gpointer data, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);

/* Runs @start in the target's main context and waits until its callback was called. The result is
 * for the call's finish function, which any thread may call. (transfer full) */
GAsyncResult *hookrun_target_wait (HookrunTarget *self, HookrunTargetStart start, gpointer data,
                                   GCancellable *cancellable);

/* The context in which the target lives, made with a thread of its own when no caller's context
 * was adopted by connecting in it. (transfer none) */
GMainContext *hookrun_target_get_context (HookrunTarget *self);

/* Makes the caller's thread-default context that of the target, unless it has one. */
void hookrun_target_adopt_context (HookrunTarget *self);

/* For dispose(): disconnects and releases @inner in the context of @self. */
void hookrun_target_release_inner (HookrunTarget *self, HookrunTarget *inner);

/* The folder that stands for "/", "" when it is the real one. */
const char *hookrun_target_get_root (HookrunTarget *self);

/* The name under which commands at the target reach @path. (transfer full) */
char *hookrun_target_map_path (HookrunTarget *self, const char *path);

/* One command. What its login shell prints before it starts is left out of the output. */
typedef struct {
  const char *command_line; /* of the POSIX shell */
  const char *label;        /* what messages call it */
  int stdin_fd;             /* owned; -1: /dev/null */
  guint timeout_ms;         /* 0: none */
  gsize max_output;         /* of each stream; 0: 16 MiB */
} HookrunCommand;

typedef struct {
  int status;     /* as of waitpid() */
  GBytes *output; /* a NUL follows its end */
  GBytes *errors; /* a NUL follows its end */
  gsize n_noise;  /* bytes before the output, by the login shell */
} HookrunCommandResult;

void hookrun_command_result_clear (HookrunCommandResult *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HookrunCommandResult, hookrun_command_result_clear)

/* Connects if need be, runs the command, waits. Any exit status is a success. */
gboolean hookrun_target_run_command (HookrunTarget *self, const HookrunCommand *command,
                                     HookrunCommandResult *result, GCancellable *cancellable,
                                     GError **error);
void hookrun_target_run_command_async (HookrunTarget *self, const HookrunCommand *command,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean hookrun_target_run_command_finish (HookrunTarget *self, GAsyncResult *async_result,
                                            HookrunCommandResult *result, GError **error);

/* FALSE with COMMAND for a status other than 0. With @refine, what the library's own scripts print
 * decides the code: NO_SPACE, PERMISSION, UNSUPPORTED. */
gboolean hookrun_target_check_status (HookrunTarget *self, const char *label, int status,
                                      GBytes *errors, gboolean refine, GError **error);

/* The code for what programs print about a full disk, a read-only one, …; COMMAND otherwise. */
HookrunError hookrun_target_code_of_text (const char *text);
/* Says what to do where the code alone tells it: NO_SPACE. */
void hookrun_target_add_remedy (GError *error);

/* The last few lines of @text, at most 1 KiB, valid UTF-8. (transfer full) */
/* For a command line that the login shell did not even begin with. (transfer full) */
GError *hookrun_target_describe_shell (HookrunTarget *self, const char *what, int status,
                                       const char *output, const char *errors);
char *hookrun_target_last_lines (const char *text);

/* A file of the memory that holds @bytes, at its beginning; -1 and @error. */
int hookrun_target_open_memory (const void *data, gsize length, GError **error);

/* What the probe of a connection found; kept with the target until it disconnects. */
typedef struct {
  gboolean has_rsync;
  gboolean is_noisy; /* the login shell prints */
} HookrunTargetFacts;

gboolean hookrun_target_probe (HookrunTarget *self, HookrunTargetFacts *facts,
                               GCancellable *cancellable, GError **error);
gboolean hookrun_target_knows_facts (HookrunTarget *self);
void hookrun_target_forget_facts (HookrunTarget *self);

G_END_DECLS
