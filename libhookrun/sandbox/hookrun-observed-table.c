/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of an observer: which arguments of a call are a path, and names for calls that
 * programs try and no policy allows. */
#include "hookrun-observed-call-private.h"

#include <sys/syscall.h>
#include <unistd.h>

#define ONE(folder, path)                                                                          \
  {folder, -1},                                                                                    \
  {                                                                                                \
    path, -1                                                                                       \
  }
#define TWO(folder, path, other_folder, other_path)                                                \
  {folder, other_folder},                                                                          \
  {                                                                                                \
    path, other_path                                                                               \
  }
#define NO_PATH                                                                                    \
  {-1, -1},                                                                                        \
  {                                                                                                \
    -1, -1                                                                                         \
  }

static const HookrunObservedRow rows[] = {
    {SYS_openat, "openat", HOOKRUN_OBSERVED_OPEN, ONE (0, 1), 2},
    {SYS_execve, "execve", HOOKRUN_OBSERVED_EXECUTE, ONE (-1, 0), -1},
    {SYS_execveat, "execveat", HOOKRUN_OBSERVED_EXECUTE, ONE (0, 1), 4},
    {SYS_newfstatat, "newfstatat", HOOKRUN_OBSERVED_LOOK, ONE (0, 1), 3},
    {SYS_statx, "statx", HOOKRUN_OBSERVED_LOOK, ONE (0, 1), 2},
    {SYS_faccessat, "faccessat", HOOKRUN_OBSERVED_LOOK, ONE (0, 1), -1},
    {SYS_faccessat2, "faccessat2", HOOKRUN_OBSERVED_LOOK, ONE (0, 1), 3},
    {SYS_chdir, "chdir", HOOKRUN_OBSERVED_LOOK, ONE (-1, 0), -1},
    {SYS_mkdirat, "mkdirat", HOOKRUN_OBSERVED_MAKE, ONE (0, 1), -1},
    {SYS_mknodat, "mknodat", HOOKRUN_OBSERVED_MAKE, ONE (0, 1), 2},
    {SYS_symlinkat, "symlinkat", HOOKRUN_OBSERVED_MAKE, ONE (1, 2), -1},
    {SYS_unlinkat, "unlinkat", HOOKRUN_OBSERVED_REMOVE, ONE (0, 1), -1},
    {SYS_linkat, "linkat", HOOKRUN_OBSERVED_MOVE, TWO (0, 1, 2, 3), -1},
    {SYS_renameat2, "renameat2", HOOKRUN_OBSERVED_MOVE, TWO (0, 1, 2, 3), -1},
    {SYS_truncate, "truncate", HOOKRUN_OBSERVED_CHANGE, ONE (-1, 0), -1},
    {SYS_fchmodat, "fchmodat", HOOKRUN_OBSERVED_CHANGE, ONE (0, 1), -1},
    {SYS_utimensat, "utimensat", HOOKRUN_OBSERVED_CHANGE, ONE (0, 1), 3},
    {SYS_fchmod, "fchmod", HOOKRUN_OBSERVED_CHANGE_OPEN, ONE (0, -1), -1},
    {SYS_socket, "socket", HOOKRUN_OBSERVED_SOCKET, NO_PATH, -1},
    {SYS_connect, "connect", HOOKRUN_OBSERVED_CONNECT, NO_PATH, -1},
    {SYS_bind, "bind", HOOKRUN_OBSERVED_BIND, NO_PATH, -1},
    {SYS_kill, "kill", HOOKRUN_OBSERVED_SIGNAL, NO_PATH, -1},
    {SYS_tkill, "tkill", HOOKRUN_OBSERVED_SIGNAL, NO_PATH, -1},
    {SYS_tgkill, "tgkill", HOOKRUN_OBSERVED_SIGNAL, NO_PATH, -1},
#ifdef SYS_renameat
    {SYS_renameat, "renameat", HOOKRUN_OBSERVED_MOVE, TWO (0, 1, 2, 3), -1},
#endif
#ifdef __x86_64__
    {SYS_open, "open", HOOKRUN_OBSERVED_OPEN, ONE (-1, 0), 1},
    {SYS_creat, "creat", HOOKRUN_OBSERVED_OPEN, ONE (-1, 0), -1},
    {SYS_stat, "stat", HOOKRUN_OBSERVED_LOOK, ONE (-1, 0), -1},
    {SYS_lstat, "lstat", HOOKRUN_OBSERVED_LOOK, ONE (-1, 0), -1},
    {SYS_access, "access", HOOKRUN_OBSERVED_LOOK, ONE (-1, 0), -1},
    {SYS_mkdir, "mkdir", HOOKRUN_OBSERVED_MAKE, ONE (-1, 0), -1},
    {SYS_mknod, "mknod", HOOKRUN_OBSERVED_MAKE, ONE (-1, 0), 1},
    {SYS_symlink, "symlink", HOOKRUN_OBSERVED_MAKE, ONE (-1, 1), -1},
    {SYS_unlink, "unlink", HOOKRUN_OBSERVED_REMOVE, ONE (-1, 0), -1},
    {SYS_rmdir, "rmdir", HOOKRUN_OBSERVED_REMOVE, ONE (-1, 0), -1},
    {SYS_link, "link", HOOKRUN_OBSERVED_MOVE, TWO (-1, 0, -1, 1), -1},
    {SYS_rename, "rename", HOOKRUN_OBSERVED_MOVE, TWO (-1, 0, -1, 1), -1},
    {SYS_chmod, "chmod", HOOKRUN_OBSERVED_CHANGE, ONE (-1, 0), -1},
    {SYS_utime, "utime", HOOKRUN_OBSERVED_CHANGE, ONE (-1, 0), -1},
    {SYS_utimes, "utimes", HOOKRUN_OBSERVED_CHANGE, ONE (-1, 0), -1},
    {SYS_futimesat, "futimesat", HOOKRUN_OBSERVED_CHANGE, ONE (0, 1), -1},
#endif
};

#define NAME(call)                                                                                 \
  {                                                                                                \
    SYS_##call, #call                                                                              \
  }

static const struct {
  int call;
  const char *name;
} names[] = {
    NAME (acct),
    NAME (add_key),
    NAME (adjtimex),
    NAME (bpf),
    NAME (brk),
    NAME (chroot),
    NAME (clock_settime),
    NAME (clone),
    NAME (clone3),
    NAME (copy_file_range),
    NAME (delete_module),
    NAME (dup),
    NAME (epoll_create1),
    NAME (eventfd2),
    NAME (fallocate),
    NAME (fanotify_init),
    NAME (fchown),
    NAME (fchownat),
    NAME (fcntl),
    NAME (finit_module),
    NAME (fremovexattr),
    NAME (fsetxattr),
    NAME (fsmount),
    NAME (fsopen),
    NAME (ftruncate),
    NAME (init_module),
    NAME (inotify_add_watch),
    NAME (inotify_init1),
    NAME (io_setup),
    NAME (io_uring_enter),
    NAME (io_uring_register),
    NAME (io_uring_setup),
    NAME (ioctl),
    NAME (ioprio_set),
    NAME (kcmp),
    NAME (kexec_load),
    NAME (keyctl),
    NAME (listen),
    NAME (lremovexattr),
    NAME (lsetxattr),
    NAME (memfd_create),
    NAME (memfd_secret),
    NAME (migrate_pages),
    NAME (mmap),
    NAME (mount),
    NAME (mount_setattr),
    NAME (move_mount),
    NAME (move_pages),
    NAME (mq_open),
    NAME (mremap),
    NAME (msgget),
    NAME (name_to_handle_at),
    NAME (open_by_handle_at),
    NAME (open_tree),
    NAME (openat2),
    NAME (perf_event_open),
    NAME (personality),
    NAME (pidfd_getfd),
    NAME (pidfd_send_signal),
    NAME (pipe2),
    NAME (pivot_root),
    NAME (prctl),
    NAME (prlimit64),
    NAME (process_madvise),
    NAME (process_vm_readv),
    NAME (process_vm_writev),
    NAME (ptrace),
    NAME (pwrite64),
    NAME (pwritev),
    NAME (quotactl),
    NAME (reboot),
    NAME (removexattr),
    NAME (request_key),
    NAME (rt_sigqueueinfo),
    NAME (rt_tgsigqueueinfo),
    NAME (sched_setaffinity),
    NAME (sched_setattr),
    NAME (sched_setparam),
    NAME (sched_setscheduler),
    NAME (seccomp),
    NAME (semget),
    NAME (sendmmsg),
    NAME (sendmsg),
    NAME (sendto),
    NAME (setdomainname),
    NAME (setgroups),
    NAME (sethostname),
    NAME (setns),
    NAME (setpgid),
    NAME (setpriority),
    NAME (setsid),
    NAME (settimeofday),
    NAME (setxattr),
    NAME (shmat),
    NAME (shmget),
    NAME (socketpair),
    NAME (swapoff),
    NAME (swapon),
    NAME (sync),
    NAME (syncfs),
    NAME (syslog),
    NAME (umount2),
    NAME (unshare),
    NAME (userfaultfd),
    NAME (vhangup),
    NAME (vmsplice),
    NAME (write),
    NAME (writev),
    {452, "fchmodat2"},
#ifdef __x86_64__
    NAME (chown),
    NAME (dup2),
    NAME (fork),
    NAME (inotify_init),
    NAME (ioperm),
    NAME (iopl),
    NAME (lchown),
    NAME (pipe),
    NAME (vfork),
#endif
};

const HookrunObservedRow *
hookrun_observed_row (int call)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].call == call)
      return &rows[i];
  return NULL;
}

char *
hookrun_observed_name (int call)
{
  const HookrunObservedRow *row = hookrun_observed_row (call);

  if (row != NULL)
    return g_strdup (row->name);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i].call == call)
      return g_strdup (names[i].name);
  return g_strdup_printf ("number %d", call);
}
