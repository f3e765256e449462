/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One process at a time runs a journal: a lock on NAME.lock that the kernel frees when its holder
 * dies. The holder's process number stands in the file, for messages only.
 */
#include "hookrun-error-private.h"
#include "hookrun-journal-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process that was killed between starting a program and that program's first step is survived
 * by its lock for that moment. */
#define HEIR_WAIT_MS 5000
#define HEIR_LOOK_MS 10

static char *
lock_name (HookrunJournal *self)
{
  return g_strconcat (self->name, ".lock", NULL);
}

static int
read_holder (int fd)
{
  char text[16] = "";
  gssize n = pread (fd, text, sizeof text - 1, 0);

  return n > 0 ? (int)strtol (text, NULL, 10) : 0;
}

static void
write_holder (int fd)
{
  char text[16];
  int length = g_snprintf (text, sizeof text, "%d\n", (int)getpid ());

  /* Only messages miss it when this fails, on a full disk say. */
  if (ftruncate (fd, 0) < 0 || pwrite (fd, text, (gsize)length, 0) < 0)
    return;
}

/* Takes the lock, and waits for one whose holder is dead; errno tells why it could not. */
static gboolean
take (int fd)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

  for (int waited = 0; fcntl (fd, F_OFD_SETLK, &lock) < 0; waited += HEIR_LOOK_MS) {
    int why = errno;
    int holder = read_holder (fd);

    errno = why;
    if ((why != EAGAIN && why != EACCES) || waited >= HEIR_WAIT_MS)
      return FALSE;
    if (holder <= 0 || kill (holder, 0) == 0 || errno != ESRCH) {
      errno = why;
      return FALSE;
    }
    g_usleep (HEIR_LOOK_MS * 1000);
  }
  return TRUE;
}

gboolean
hookrun_journal_lock (HookrunJournal *self, GError **error)
{
  g_autofree char *name = lock_name (self);
  int holder;

  self->lock_fd = openat (self->folder_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->lock_fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s/%s\"", self->folder, name);
    return FALSE;
  }
  if (take (self->lock_fd)) {
    fchmod (self->lock_fd, 0600); /* whatever the umask; else only the next open fails */
    write_holder (self->lock_fd);
    return TRUE;
  }
  if (errno != EAGAIN && errno != EACCES) {
    hookrun_set_error_from_errno (error, errno, "cannot lock \"%s/%s\"", self->folder, name);
    return FALSE;
  }
  holder = read_holder (self->lock_fd);
  if (holder > 0)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY,
                 "journal \"%s\" is in use by process %d; wait until it ends", self->path, holder);
  else
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY,
                 "journal \"%s\" is in use by another process; wait until it ends", self->path);
  return FALSE;
}

int
hookrun_journal_lock_holder (HookrunJournal *self)
{
  g_autofree char *name = lock_name (self);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int holder = 0;
  int fd;

  if (self->lock_fd >= 0)
    return (int)getpid ();
  if (self->folder_fd < 0)
    return 0;
  fd = openat (self->folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return 0;
  if (fcntl (fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
    holder = read_holder (fd);
  close (fd);
  return holder;
}
