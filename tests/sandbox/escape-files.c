/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts to read, make, move and remove what is not granted. */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int
read_secret (const World *world)
{
  return show_file (join (world->outside, "secret"));
}

static int
read_by_link (const World *world)
{
  const char *link = join (world->inside, "link");

  return symlink (join (world->outside, "secret"), link) == 0 && show_file (link);
}

static int
read_by_parent (const World *world)
{
  return show_file (join (world->inside, "../outside/secret"));
}

static int
read_by_proc_root (const World *world)
{
  return show_file (join ("/proc/self/root", join (world->outside, "secret")));
}

static int
read_by_working_folder (const World *world)
{
  return chdir (world->outside) == 0 &&
         (show_file ("secret") || show_file ("/proc/self/cwd/secret"));
}

static int
read_by_path_descriptor (const World *world)
{
  char path[64];
  int fd = open (join (world->outside, "secret"), O_PATH);

  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return fd >= 0 && (show_fd (fd) || show_file (path) || show_fd (openat (fd, "", O_RDONLY)));
}

static int
read_by_hard_link (const World *world)
{
  const char *link = join (world->inside, "hard");

  return link != NULL &&
         linkat (AT_FDCWD, join (world->outside, "secret"), AT_FDCWD, link, 0) == 0 &&
         show_file (link);
}

static int
link_by_descriptor (const World *world)
{
  const char *link = join (world->inside, "hard");
  int fd = open (join (world->outside, "secret"), O_PATH);

  return fd >= 0 && linkat (fd, "", AT_FDCWD, link, AT_EMPTY_PATH) == 0 && show_file (link);
}

static int
read_by_rename (const World *world)
{
  const char *moved = join (world->inside, "moved");

  return rename (join (world->outside, "secret"), moved) == 0 && show_file (moved);
}

static int
read_by_exchange (const World *world)
{
  const char *mine = join (world->inside, "mine");

  close (open (mine, O_CREAT | O_WRONLY, 0600));
  return syscall (SYS_renameat2, AT_FDCWD, mine, AT_FDCWD, join (world->outside, "secret"), 2) ==
             0 &&
         show_file (mine);
}

static int
list_folder (const World *world)
{
  char entries[1024];
  int fd = open (world->outside, O_RDONLY | O_DIRECTORY);

  return fd >= 0 && syscall (SYS_getdents64, fd, entries, sizeof entries) > 0;
}

static int
read_shadow (const World *world)
{
  return show_file ("/etc/shadow") || show_file ("/root/.bashrc") || show_file ("/etc/hostname");
}

static int
open_with_openat2 (const World *world)
{
  struct {
    unsigned long long flags, mode, resolve;
  } how = {O_RDONLY, 0, 0};

  return show_fd (
      (int)syscall (SYS_openat2, AT_FDCWD, join (world->outside, "secret"), &how, sizeof how));
}

static int
open_by_handle (const World *world)
{
  struct {
    struct file_handle handle;
    char space[128];
  } file;
  int mount_id;
  int mount = open (world->inside, O_RDONLY);

  memset (&file, 0, sizeof file);
  file.handle.handle_bytes = sizeof file.space;
  if (name_to_handle_at (AT_FDCWD, join (world->outside, "secret"), &file.handle, &mount_id, 0) < 0)
    return 0;
  return show_fd (open_by_handle_at (mount, &file.handle, O_RDONLY));
}

static int
write_file (const World *world)
{
  int fd = open (join (world->outside, "file"), O_WRONLY);

  return fd >= 0 && write (fd, "x", 1) == 1;
}

static int
append_file (const World *world)
{
  int fd = open (join (world->outside, "file"), O_WRONLY | O_APPEND);

  return fd >= 0 && write (fd, "x", 1) == 1;
}

static int
truncate_on_open (const World *world)
{
  return open (join (world->outside, "file"), O_RDONLY | O_TRUNC) >= 0;
}

static int
truncate_path (const World *world)
{
  return truncate (join (world->outside, "file"), 0) == 0;
}

static int
truncate_readable (const World *world)
{
  return truncate (join (world->readable, "file"), 0) == 0 ||
         ftruncate (open (join (world->readable, "file"), O_RDONLY), 0) == 0;
}

static int
write_readable (const World *world)
{
  return open (join (world->readable, "file"), O_RDWR) >= 0 ||
         open (join (world->readable, "new"), O_CREAT | O_WRONLY, 0600) >= 0 ||
         unlink (join (world->readable, "file")) == 0;
}

static int
make_file (const World *world)
{
  return open (join (world->outside, "new"), O_CREAT | O_WRONLY, 0600) >= 0;
}

static int
make_nameless (const World *world)
{
  int fd = open (world->outside, O_TMPFILE | O_RDWR, 0600);

  return fd >= 0 && write (fd, "x", 1) == 1;
}

static int
make_folder (const World *world)
{
  return mkdir (join (world->outside, "made"), 0700) == 0;
}

static int
make_link (const World *world)
{
  return symlink ("/", join (world->outside, "link")) == 0;
}

static int
make_pipe (const World *world)
{
  return mkfifo (join (world->outside, "pipe"), 0600) == 0;
}

static int
link_outwards (const World *world)
{
  const char *mine = join (world->inside, "outwards");

  close (open (mine, O_CREAT | O_WRONLY, 0600));
  return link (mine, join (world->outside, "planted")) == 0 ||
         rename (mine, join (world->outside, "planted")) == 0;
}

static int
remove_file (const World *world)
{
  return unlink (join (world->outside, "file")) == 0;
}

static int
remove_folder (const World *world)
{
  return rmdir (join (world->outside, "folder")) == 0 ||
         rename (join (world->outside, "folder"), join (world->inside, "taken")) == 0;
}

/* The disk itself, by a device node of its own making. */
static int
make_device (const World *world)
{
  const char *node = join (world->inside, "device");

  return mknod (node, S_IFBLK | 0600, makedev (254, 0)) == 0 ||
         mknod (node, S_IFCHR | 0600, makedev (1, 1)) == 0 ||
         syscall (SYS_mknodat, AT_FDCWD, node, S_IFCHR | 0600, makedev (5, 1)) == 0;
}

static int
make_socket (const World *world)
{
  return mknod (join (world->inside, "socket"), S_IFSOCK | 0600, 0) == 0;
}

static int
open_devices (const World *world)
{
  static const char *const names[] = {"/dev/mem", "/dev/kmsg", "/dev/vda",
                                      "/dev/sda", "/dev/ptmx", "/dev/fuse",
                                      "/dev/kvm", "/dev/tty0", "/dev/loop0"};

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (open (names[i], O_RDWR) >= 0 || open (names[i], O_RDONLY) >= 0)
      return 1;
  return 0;
}

static int
open_shared_memory (const World *world)
{
  return open ("/dev/shm/hookrun-escape", O_CREAT | O_RDWR, 0600) >= 0;
}

static int
run_program (const World *world)
{
  int status = -1;
  pid_t pid = fork ();

  if (pid == 0) {
    execl (join (world->outside, "program"), "program", NULL);
    _exit (7);
  }
  waitpid (pid, &status, 0);
  return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

static int
run_from_memory (const World *world)
{
  static const char script[] = "#!/bin/sh\nexit 0\n";
  int fd = (int)syscall (SYS_memfd_create, "x", 0);

  return fd >= 0 && write (fd, script, sizeof script - 1) > 0;
}

static int
map_program (const World *world)
{
  int fd = open (join (world->outside, "program"), O_RDONLY);

  return fd >= 0 && mmap (NULL, 16, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED;
}

const Attempt file_attempts[] = {
    {"read-secret", read_secret},
    {"read-by-link", read_by_link},
    {"read-by-parent", read_by_parent},
    {"read-by-proc-root", read_by_proc_root},
    {"read-by-working-folder", read_by_working_folder},
    {"read-by-path-descriptor", read_by_path_descriptor},
    {"read-by-hard-link", read_by_hard_link},
    {"link-by-descriptor", link_by_descriptor},
    {"read-by-rename", read_by_rename},
    {"read-by-exchange", read_by_exchange},
    {"list-folder", list_folder},
    {"read-shadow", read_shadow},
    {"open-with-openat2", open_with_openat2},
    {"open-by-handle", open_by_handle},
    {"write-file", write_file},
    {"append-file", append_file},
    {"truncate-on-open", truncate_on_open},
    {"truncate-path", truncate_path},
    {"truncate-readable", truncate_readable},
    {"write-readable", write_readable},
    {"make-file", make_file},
    {"make-nameless", make_nameless},
    {"make-folder", make_folder},
    {"make-link", make_link},
    {"make-pipe", make_pipe},
    {"link-outwards", link_outwards},
    {"remove-file", remove_file},
    {"remove-folder", remove_folder},
    {"make-device", make_device},
    {"make-socket", make_socket},
    {"open-devices", open_devices},
    {"open-shared-memory", open_shared_memory},
    {"run-program", run_program},
    {"run-from-memory", run_from_memory},
    {"map-program", map_program},
    {NULL, NULL},
};

static int
see_file (const World *world)
{
  struct stat st;

  return stat (join (world->outside, "secret"), &st) == 0 ||
         access (join (world->outside, "secret"), F_OK) == 0;
}

static int
see_process (const World *world)
{
  return kill (world->victim, 0) == 0 || syscall (SYS_pidfd_open, world->victim, 0) >= 0 ||
         getpgid (world->victim) >= 0;
}

const Attempt hidden_attempts[] = {
    {"see-file", see_file},
    {"see-process", see_process},
    {NULL, NULL},
};
