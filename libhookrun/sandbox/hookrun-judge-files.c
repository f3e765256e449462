/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Denials that are about files: what each call needs of which file or folder, and whether that is
 * granted. A new name needs its folder to be granted, because what is not there cannot be.
 */
#include "hookrun-judge-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REASON_PROCESS                                                                             \
  "what /proc tells of processes cannot be granted: it would open the memory and the secrets of "  \
  "others"
#define REASON_NODE "no policy lets a program make devices or sockets"
#define REASON_NAME "its name is no UTF-8, so no policy can name it: grant the folder that it is in"

typedef struct {
  const HookrunJudge *judge;
  const HookrunObservedCall *call;
  int problem;           /* 0: it worked */
  HookrunPolicy *remedy; /* NULL: nothing is missing so far */
  HookrunAccess missing;
} Question;

static HookrunDenial *
deny (Question *self, const char *object, const char *reason)
{
  HookrunDenial *denial =
      hookrun_denial_new (HOOKRUN_DENIAL_PATH, object, self->call->row->name, self->problem);

  denial->access = self->missing;
  denial->remedy = g_steal_pointer (&self->remedy);
  denial->reason = g_strdup (reason);
  return denial;
}

/* What @wanted goes beyond what is granted of @path, for the remedy. */
static void
need (Question *self, const char *path, HookrunAccess wanted)
{
  HookrunAccess covered = hookrun_judge_covers (self->judge, path);
  HookrunAccess missing = wanted & ~covered;

  if (missing == HOOKRUN_ACCESS_NONE)
    return;
  if (self->remedy == NULL)
    self->remedy = hookrun_policy_new ();
  hookrun_policy_grant (self->remedy, path, missing, NULL);
  self->missing |= missing;
}

static gboolean
is_of_process (const char *path)
{
  return g_str_has_prefix (path, "/proc/") && g_ascii_isdigit (path[6]);
}

/* The denial of what is missing, unless nothing is. */
static HookrunDenial *
finish (Question *self, const char *object)
{
  if (self->remedy == NULL)
    return NULL;
  if (!is_of_process (object) && g_utf8_validate (object, -1, NULL))
    return deny (self, object, NULL);
  g_clear_pointer (&self->remedy, hookrun_policy_unref);
  return deny (self, object, is_of_process (object) ? REASON_PROCESS : REASON_NAME);
}

static int
mode_of (HookrunAccess access)
{
  return ((access & HOOKRUN_ACCESS_READ) != 0 ? R_OK : 0) |
         ((access & HOOKRUN_ACCESS_WRITE) != 0 ? W_OK : 0) |
         ((access & HOOKRUN_ACCESS_EXECUTE) != 0 ? X_OK : 0);
}

/* What worked is allowed; what failed is looked at as if there were no sandbox. */
static gboolean
is_ordinary (const Question *self, const char *path, int mode)
{
  return self->problem == 0 || hookrun_access_is_ordinary (path, mode);
}

static gboolean
can_change_folder (const Question *self, const HookrunObservedPath *path)
{
  return path->folder != NULL && is_ordinary (self, path->folder, W_OK | X_OK);
}

/* ---- each kind of call ---- */

static HookrunDenial *
judge_open (Question *self)
{
  const HookrunObservedPath *path = &self->call->paths[0];
  guint64 flags = hookrun_observed_call_flags (self->call);
  HookrunAccess wanted = (flags & O_ACCMODE) == O_RDONLY ? HOOKRUN_ACCESS_READ
                         : (flags & O_ACCMODE) == O_WRONLY
                             ? HOOKRUN_ACCESS_WRITE
                             : HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_WRITE;

  /* In a session of its own there is no terminal to be had, whatever is granted. */
  if ((flags & O_PATH) != 0 || (self->problem != 0 && strcmp (path->real, "/dev/tty") == 0))
    return NULL;
  if ((flags & O_TRUNC) != 0 || (flags & O_TMPFILE) == O_TMPFILE)
    wanted |= HOOKRUN_ACCESS_WRITE;
  if (path->exists) {
    if (is_ordinary (self, path->real, mode_of (wanted)))
      need (self, path->real, wanted);
  } else if ((flags & O_CREAT) != 0 && can_change_folder (self, path)) {
    need (self, path->folder, wanted | HOOKRUN_ACCESS_WRITE);
  }
  return finish (self, path->real);
}

/* (nullable): the interpreter that the first line of a script names, links followed. */
static char *
interpreter_of (const char *path)
{
  char text[256];
  char *real;
  char *copy;
  ssize_t length;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return NULL;
  length = read (fd, text, sizeof text - 1);
  close (fd);
  if (length < 3 || memcmp (text, "#!", 2) != 0)
    return NULL;
  text[length] = '\0';
  text[strcspn (text, "\n")] = '\0';
  g_strstrip (text + 2);
  text[2 + strcspn (text + 2, " \t")] = '\0';
  real = realpath (text + 2, NULL);
  copy = text[2] == '/' ? g_strdup (real) : NULL;
  free (real);
  return copy;
}

static HookrunDenial *
judge_execute (Question *self)
{
  const HookrunObservedPath *path = &self->call->paths[0];
  struct stat st;

  if (!path->exists || lstat (path->real, &st) < 0 || !S_ISREG (st.st_mode) ||
      !is_ordinary (self, path->real, X_OK))
    return NULL;
  need (self, path->real, HOOKRUN_ACCESS_EXECUTE);
  if (self->remedy == NULL) {
    g_autofree char *interpreter = interpreter_of (path->real);

    if (interpreter == NULL || !is_ordinary (self, interpreter, X_OK))
      return NULL;
    need (self, interpreter, HOOKRUN_ACCESS_EXECUTE);
    return finish (self, interpreter);
  }
  return finish (self, path->real);
}

/* Where nothing is hidden, everybody may look. */
static HookrunDenial *
judge_look (Question *self)
{
  const HookrunObservedPath *path = &self->call->paths[0];

  if (!self->judge->hides || !path->exists ||
      hookrun_judge_covers (self->judge, path->real) != HOOKRUN_ACCESS_NONE)
    return NULL;
  need (self, path->real, HOOKRUN_ACCESS_READ);
  return finish (self, path->real);
}

static HookrunDenial *
judge_name (Question *self)
{
  const HookrunObservedRow *row = self->call->row;
  const HookrunObservedPath *path = &self->call->paths[0];
  guint64 type = row->flags >= 0 ? self->call->args[row->flags] & S_IFMT : 0;

  if (!can_change_folder (self, path) || (row->kind == HOOKRUN_OBSERVED_REMOVE && !path->exists))
    return NULL;
  if (type == S_IFCHR || type == S_IFBLK || type == S_IFSOCK) {
    self->missing = HOOKRUN_ACCESS_WRITE;
    return self->problem != 0 ? deny (self, path->real, REASON_NODE) : NULL;
  }
  need (self, path->folder, HOOKRUN_ACCESS_WRITE);
  return finish (self, path->real);
}

/* A file may not get more rights by a new place: the old folder must be granted as much. */
static void
need_as_much (Question *self, const char *from, const char *to)
{
  struct stat one;
  struct stat other;

  if (stat (from, &one) == 0 && stat (to, &other) == 0 && one.st_dev == other.st_dev)
    need (self, from, hookrun_judge_covers (self->judge, to));
}

static HookrunDenial *
judge_move (Question *self)
{
  const HookrunObservedPath *from = &self->call->paths[0];
  const HookrunObservedPath *to = &self->call->paths[1];

  if (!from->exists || !can_change_folder (self, from) || !can_change_folder (self, to))
    return NULL;
  need (self, from->folder, HOOKRUN_ACCESS_WRITE);
  need (self, to->folder, HOOKRUN_ACCESS_WRITE);
  if (self->remedy == NULL && self->problem != 0)
    need_as_much (self, from->folder, to->folder);
  return finish (self,
                 (hookrun_judge_covers (self->judge, from->folder) & HOOKRUN_ACCESS_WRITE) != 0
                     ? to->real
                     : from->real);
}

static HookrunDenial *
judge_change (Question *self)
{
  const HookrunObservedPath *path = &self->call->paths[0];
  gboolean is_size = strcmp (self->call->row->name, "truncate") == 0;
  struct stat st;

  if (!path->exists || stat (path->real, &st) < 0)
    return NULL;
  if (self->problem != 0 && !is_size && st.st_uid != geteuid ())
    return NULL;
  if (is_size && !is_ordinary (self, path->real, W_OK))
    return NULL;
  need (self, path->real, HOOKRUN_ACCESS_WRITE);
  return finish (self, path->real);
}

/* What Landlock and, where there is a file system of its own, the mounts refuse with. */
static gboolean
can_be_denial (const Question *self)
{
  switch (self->problem) {
  case 0:
  case EACCES:
  case EPERM:
  case EXDEV:
    return TRUE;
  case ENOENT:
  case ENOTDIR:
  case EROFS:
    return self->judge->hides;
  default:
    return FALSE;
  }
}

HookrunDenial *
hookrun_judge_files (const HookrunJudge *self, const HookrunObservedCall *call, int problem)
{
  static HookrunDenial *(*const judges[]) (Question * question) = {
      [HOOKRUN_OBSERVED_OPEN] = judge_open,     [HOOKRUN_OBSERVED_EXECUTE] = judge_execute,
      [HOOKRUN_OBSERVED_LOOK] = judge_look,     [HOOKRUN_OBSERVED_MAKE] = judge_name,
      [HOOKRUN_OBSERVED_REMOVE] = judge_name,   [HOOKRUN_OBSERVED_MOVE] = judge_move,
      [HOOKRUN_OBSERVED_CHANGE] = judge_change, [HOOKRUN_OBSERVED_CHANGE_OPEN] = judge_change,
  };
  Question question = {self, call, problem, NULL, HOOKRUN_ACCESS_NONE};
  HookrunDenial *denial = NULL;

  if (call->paths[0].real != NULL && can_be_denial (&question))
    denial = judges[call->row->kind](&question);
  g_clear_pointer (&question.remedy, hookrun_policy_unref);
  return denial;
}
