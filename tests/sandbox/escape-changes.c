/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts to change modes, owners, times and attributes, which Landlock does not look at, and to
 * outwit the broker that does. */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

static const struct timespec old_times[2] = {{1000, 0}, {1000, 0}};

static int
chmod_path (const World *world)
{
  return chmod (join (world->outside, "file"), 0666) == 0;
}

static int
chmod_at (const World *world)
{
  int folder = open (world->inside, O_PATH);

  return fchmodat (folder, "../outside/file", 0666, 0) == 0;
}

static int
chmod_by_link (const World *world)
{
  const char *link = join (world->inside, "to-chmod");

  return symlink (join (world->outside, "file"), link) == 0 && chmod (link, 0666) == 0;
}

static int
chmod_by_linked_folder (const World *world)
{
  const char *link = join (world->inside, "to-folder");

  return symlink (world->outside, link) == 0 && chmod (join (link, "file"), 0666) == 0;
}

static int
chmod_descriptor (const World *world)
{
  return fchmod (open (join (world->readable, "file"), O_RDONLY), 0666) == 0 ||
         fchmod (open (join (world->outside, "file"), O_PATH), 0666) == 0;
}

static int
chmod_readable (const World *world)
{
  return chmod (join (world->readable, "file"), 0666) == 0 || chmod (world->readable, 0777) == 0;
}

static int
chmod_by_magic_link (const World *world)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/self/fd/%d", open (join (world->outside, "file"), O_PATH));
  if (chmod (path, 0666) == 0)
    return 1;
  snprintf (path, sizeof path, "/proc/self/fd/%d", open (join (world->readable, "file"), O_RDONLY));
  return chmod (path, 0666) == 0;
}

static int
chmod_newest_call (const World *world)
{
  return syscall (452, AT_FDCWD, join (world->outside, "file"), 0666, 0) == 0;
}

static int
chmod_parent_of_grant (const World *world)
{
  return chmod (join (world->inside, ".."), 0777) == 0;
}

static int
set_id_by_chmod (const World *world)
{
  const char *mine = join (world->inside, "set-id");
  int fd = open (mine, O_CREAT | O_RDWR, 0700);

  return chmod (mine, 04755) == 0 || fchmod (fd, 02755) == 0 ||
         fchmodat (AT_FDCWD, mine, 06755, 0) == 0;
}

static int
set_id_by_open (const World *world)
{
  struct stat st;
  int fd = open (join (world->inside, "set-id-open"), O_CREAT | O_RDWR, 06755);

  return (fd >= 0 && fstat (fd, &st) == 0 && (st.st_mode & 06000) != 0) ||
         open (world->inside, O_TMPFILE | O_RDWR, 04700) >= 0 ||
         creat (join (world->inside, "set-id-creat"), 04755) >= 0;
}

static int
set_id_by_mknod (const World *world)
{
  return mknod (join (world->inside, "set-id-mknod"), S_IFREG | 04755, 0) == 0;
}

static int
chown_files (const World *world)
{
  uid_t user = getuid ();
  gid_t group = getgid ();
  const char *file = join (world->outside, "file");

  return chown (file, user, group) == 0 || lchown (file, user, group) == 0 ||
         fchownat (AT_FDCWD, file, user, group, 0) == 0 ||
         fchown (open (join (world->readable, "file"), O_RDONLY), user, group) == 0;
}

static int
set_times (const World *world)
{
  const char *file = join (world->outside, "file");
  struct timeval values[2] = {{1000, 0}, {1000, 0}};
  struct utimbuf buffer = {1000, 1000};

  return utimensat (AT_FDCWD, file, old_times, 0) == 0 ||
         utimensat (AT_FDCWD, file, old_times, AT_SYMLINK_NOFOLLOW) == 0 ||
         utimes (file, values) == 0 || utime (file, &buffer) == 0 || lutimes (file, values) == 0;
}

static int
set_times_of_descriptor (const World *world)
{
  int fd = open (join (world->readable, "file"), O_RDONLY);
  int path = open (join (world->outside, "file"), O_PATH);

  return futimens (fd, old_times) == 0 || utimensat (path, "", old_times, AT_EMPTY_PATH) == 0 ||
         utimensat (fd, "", old_times, AT_EMPTY_PATH) == 0;
}

static int
set_attributes (const World *world)
{
  const char *file = join (world->outside, "file");
  const char *readable = join (world->readable, "file");

  return setxattr (file, "user.x", "1", 1, 0) == 0 || lsetxattr (file, "user.x", "1", 1, 0) == 0 ||
         setxattr (readable, "user.x", "1", 1, 0) == 0 ||
         fsetxattr (open (readable, O_RDONLY), "user.x", "1", 1, 0) == 0 ||
         removexattr (file, "user.kept") == 0;
}

static int
set_attributes_newest_call (const World *world)
{
  struct {
    unsigned long long value;
    unsigned size, flags;
  } attribute = {(unsigned long long)(size_t) "1", 1, 0};
  const char *file = join (world->outside, "file");

  return syscall (463, AT_FDCWD, file, 0, "user.x", &attribute, sizeof attribute) == 0 ||
         syscall (469, AT_FDCWD, file, &attribute, sizeof attribute, 0) == 0;
}

/* Flags such as "append only" are set through a descriptor for reading. */
static int
set_flags (const World *world)
{
  int flags = FS_NODUMP_FL;
  int fd = open (join (world->readable, "file"), O_RDONLY);
  struct fsxattr attributes;

  memset (&attributes, 0, sizeof attributes);
  attributes.fsx_xflags = FS_XFLAG_NODUMP;
  return ioctl (fd, FS_IOC_SETFLAGS, &flags) == 0 ||
         ioctl (fd, FS_IOC_FSSETXATTR, &attributes) == 0;
}

/* ---- against the broker ---- */

static const char *swapped;
static const char *target;
static volatile int is_over;

/* A folder that is now a folder, now a link to the outside. */
static void *
swap_folder (void *data)
{
  const char *link = data;

  while (!is_over)
    syscall (SYS_renameat2, AT_FDCWD, swapped, AT_FDCWD, link, 2 /* exchange */);
  return NULL;
}

static int
race_folder (const World *world)
{
  const char *link = join (world->inside, "race-link");
  pthread_t thread;
  int problem = 0;

  swapped = join (world->inside, "race");
  target = join (swapped, "file");
  mkdir (swapped, 0700);
  close (open (target, O_CREAT | O_WRONLY, 0600));
  if (symlink (world->outside, link) < 0)
    return 0;
  if (pthread_create (&thread, NULL, swap_folder, (void *)link) != 0)
    return 0;
  for (int i = 0; i < 3000; i++) {
    struct stat st;

    chmod (target, 0666);
    utimensat (AT_FDCWD, target, old_times, 0);
    if (stat (join (world->outside, "file"), &st) == 0 && (st.st_mode & 0777) == 0666)
      problem = 1;
  }
  is_over = 1;
  pthread_join (thread, NULL);
  return problem;
}

static char shared_path[4096];

/* The path in memory that is now one, now the other. */
static void *
swap_path (void *data)
{
  const World *world = data;
  const char *paths[2] = {join (world->inside, "mine"), join (world->outside, "file")};

  for (unsigned i = 0; !is_over; i++)
    memcpy (shared_path, paths[i % 2], strlen (paths[i % 2]) + 1);
  return NULL;
}

static int
race_memory (const World *world)
{
  pthread_t thread;
  struct stat st;

  close (open (join (world->inside, "mine"), O_CREAT | O_WRONLY, 0600));
  if (pthread_create (&thread, NULL, swap_path, (void *)world) != 0)
    return 0;
  for (int i = 0; i < 3000; i++)
    chmod (shared_path, 0666);
  is_over = 1;
  pthread_join (thread, NULL);
  return stat (join (world->outside, "file"), &st) == 0 && (st.st_mode & 0777) == 0666;
}

/* Strings at the edge of memory, without end, and from nowhere. */
static int
confuse_broker (const World *world)
{
  static const long addresses[] = {0, 1, -1, 3, 0x7fffffffffff};
  char *endless = malloc (1 << 20);

  memset (endless, '/', 1 << 20);
  for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
    syscall (SYS_fchmodat, AT_FDCWD, addresses[i], 0600);
    syscall (SYS_utimensat, AT_FDCWD, "x", addresses[i], 0);
    syscall (SYS_utimensat, -5, addresses[i], addresses[i], 0x7fffffffL);
  }
  chmod (endless, 0600);
  chmod ("", 0600);
  fchmod (-1, 0600);
  fchmod (1 << 30, 0600);
  syscall (SYS_fchmodat, -200, "x", -1);
  return 0;
}

const Attempt change_attempts[] = {
    {"chmod-path", chmod_path},
    {"chmod-at", chmod_at},
    {"chmod-by-link", chmod_by_link},
    {"chmod-by-linked-folder", chmod_by_linked_folder},
    {"chmod-descriptor", chmod_descriptor},
    {"chmod-readable", chmod_readable},
    {"chmod-by-magic-link", chmod_by_magic_link},
    {"chmod-newest-call", chmod_newest_call},
    {"chmod-parent-of-grant", chmod_parent_of_grant},
    {"set-id-by-chmod", set_id_by_chmod},
    {"set-id-by-open", set_id_by_open},
    {"set-id-by-mknod", set_id_by_mknod},
    {"chown-files", chown_files},
    {"set-times", set_times},
    {"set-times-of-descriptor", set_times_of_descriptor},
    {"set-attributes", set_attributes},
    {"set-attributes-newest-call", set_attributes_newest_call},
    {"set-flags", set_flags},
    {"race-folder", race_folder},
    {"race-memory", race_memory},
    {"confuse-broker", confuse_broker},
    {NULL, NULL},
};
