/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A system call of an observed program, and what it is about. What its memory says was read once
 * and may have been something else for the kernel: good for telling, never for deciding.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef enum {
  HOOKRUN_OBSERVED_NONE,
  HOOKRUN_OBSERVED_OPEN,
  HOOKRUN_OBSERVED_EXECUTE,
  HOOKRUN_OBSERVED_LOOK,   /* only asks what is there */
  HOOKRUN_OBSERVED_MAKE,   /* a name in a folder */
  HOOKRUN_OBSERVED_REMOVE, /* the same */
  HOOKRUN_OBSERVED_MOVE,   /* a second name for, or instead of, the first */
  HOOKRUN_OBSERVED_CHANGE, /* mode, times or size of what is there */
  HOOKRUN_OBSERVED_CHANGE_OPEN,
  HOOKRUN_OBSERVED_SOCKET,
  HOOKRUN_OBSERVED_CONNECT,
  HOOKRUN_OBSERVED_BIND,
  HOOKRUN_OBSERVED_SIGNAL,
} HookrunObservedKind;

/* Where its arguments are; -1: it has none such. */
typedef struct {
  int call;
  const char *name;
  HookrunObservedKind kind;
  gint8 folders[2];
  gint8 paths[2];
  gint8 flags;
} HookrunObservedRow;

typedef struct {
  char *real; /* absolute, links followed; NULL: not found out */
  char *folder;
  gboolean exists;
  gboolean is_folder;
} HookrunObservedPath;

typedef struct {
  pid_t pid; /* of the thread */
  int number;
  guint64 args[6];
  const HookrunObservedRow *row; /* NULL: a call that no path, socket or signal is about */
  gboolean is_read;              /* whether what follows was looked up */
  HookrunObservedPath paths[2];
} HookrunObservedCall;

/* NULL: none. */
const HookrunObservedRow *hookrun_observed_row (int call);
/* (transfer full): the name of a call, whichever it is. */
char *hookrun_observed_name (int call);

/* Looks up what @self is about, once. */
void hookrun_observed_call_read (HookrunObservedCall *self);
void hookrun_observed_call_clear (HookrunObservedCall *self);

/* The flags of an open, or G_MAXUINT64. */
guint64 hookrun_observed_call_flags (const HookrunObservedCall *self);

/* Whether the observer's user could do it with no more than a program without capabilities may:
 * @mode as for access(). */
gboolean hookrun_access_is_ordinary (const char *path, int mode);

/* (transfer full): the name of the program that a process runs. */
char *hookrun_process_name (pid_t pid);

G_END_DECLS
