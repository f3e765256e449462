/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts with calls that open other worlds: namespaces, mounts, rings, programs in the kernel,
 * keys, shared memory, terminals, foreign calling conventions. */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int
unshare_user (const World *world)
{
  return unshare (CLONE_NEWUSER) == 0 || unshare (CLONE_NEWUSER | CLONE_NEWNS) == 0;
}

static int
unshare_mounts (const World *world)
{
  return unshare (CLONE_NEWNS) == 0 || unshare (CLONE_NEWPID) == 0 || unshare (CLONE_NEWNET) == 0;
}

static int
clone_user (const World *world)
{
  long pid = syscall (SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);

  if (pid == 0)
    _exit (0);
  return pid > 0;
}

static int
clone3_user (const World *world)
{
  unsigned long long arguments[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
  long pid = syscall (SYS_clone3, arguments, sizeof arguments);

  if (pid == 0)
    _exit (0);
  return pid > 0;
}

/* A process whose parent is the host. */
static int
clone_sibling (const World *world)
{
  long pid = syscall (SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);

  if (pid == 0)
    _exit (0);
  return pid > 0;
}

static int
enter_namespace (const World *world)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/%d/ns/mnt", (int)world->victim);
  return setns (open (path, O_RDONLY), 0) == 0 ||
         setns ((int)syscall (SYS_pidfd_open, world->victim, 0), CLONE_NEWNS) == 0;
}

static int
mount_something (const World *world)
{
  return mount (world->outside, world->inside, NULL, MS_BIND, NULL) == 0 ||
         mount ("proc", world->inside, "proc", 0, NULL) == 0 ||
         mount (NULL, "/", NULL, MS_PRIVATE, NULL) == 0 || umount2 ("/proc", MNT_DETACH) == 0;
}

static int
mount_new_calls (const World *world)
{
  int tree = (int)syscall (428, AT_FDCWD, world->outside, 1); /* open_tree */

  return tree >= 0 || syscall (430, "tmpfs", 0) >= 0 /* fsopen */ ||
         syscall (442, AT_FDCWD, "/", 0, NULL, 0) == 0 /* mount_setattr */;
}

static int
change_root (const World *world)
{
  return chroot (world->inside) == 0 || syscall (SYS_pivot_root, world->inside, world->inside) == 0;
}

static int
make_ring (const World *world)
{
  char parameters[120];

  memset (parameters, 0, sizeof parameters);
  return syscall (SYS_io_uring_setup, 1, parameters) >= 0;
}

static int
load_program (const World *world)
{
  union bpf_attr attributes;

  memset (&attributes, 0, sizeof attributes);
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = 4;
  attributes.max_entries = 1;
  return syscall (SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) >= 0;
}

static int
count_events (const World *world)
{
  struct perf_event_attr attributes;

  memset (&attributes, 0, sizeof attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.exclude_kernel = 1;
  return syscall (SYS_perf_event_open, &attributes, 0, -1, -1, 0) >= 0;
}

static int
use_keys (const World *world)
{
  return syscall (SYS_keyctl, 0, -3, 1) >= 0 ||
         syscall (SYS_add_key, "user", "hookrun", "x", 1, -3) >= 0 ||
         syscall (SYS_request_key, "user", "hookrun", NULL, -3) >= 0;
}

static int
handle_faults (const World *world)
{
  return syscall (SYS_userfaultfd, 1 /* user mode only */) >= 0;
}

static int
share_memory (const World *world)
{
  return shmget (IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0;
}

static int
share_messages (const World *world)
{
  return msgget (IPC_PRIVATE, IPC_CREAT | 0600) >= 0 ||
         semget (IPC_PRIVATE, 1, IPC_CREAT | 0600) >= 0;
}

static int
share_queue (const World *world)
{
  return mq_open ("/hookrun-escape", O_CREAT | O_RDWR, 0600, NULL) != (mqd_t)-1;
}

static int
make_memory_file (const World *world)
{
  return syscall (SYS_memfd_create, "x", 0) >= 0 || syscall (447, 0) >= 0 /* memfd_secret */;
}

static int
watch_files (const World *world)
{
  int fd = (int)syscall (SYS_inotify_init1, 0);

  return (fd >= 0 && syscall (SYS_inotify_add_watch, fd, world->outside, 0xfff) >= 0) ||
         syscall (SYS_fanotify_init, 0x200, 0) >= 0;
}

static int
watch_by_fcntl (const World *world)
{
  return fcntl (open (world->readable, O_RDONLY), F_NOTIFY, DN_MODIFY) == 0;
}

/* A lease holds up whoever opens the file. */
static int
lease_file (const World *world)
{
  return fcntl (open (join (world->readable, "file"), O_RDONLY), F_SETLEASE, F_RDLCK) == 0;
}

static int
type_into_terminal (const World *world)
{
  return ioctl (TERMINAL_FD, TIOCSTI, "x") == 0;
}

/* The kernel looks at 32 bits only. */
static int
type_with_high_bits (const World *world)
{
  return syscall (SYS_ioctl, TERMINAL_FD, (unsigned long)TIOCSTI | 1UL << 32, "x") == 0 ||
         syscall (SYS_ioctl, TERMINAL_FD, (unsigned long)TIOCLINUX | 1UL << 40, "\x02") == 0;
}

static int
take_terminal (const World *world)
{
  return ioctl (TERMINAL_FD, TIOCSCTTY, 1) == 0 || ioctl (TERMINAL_FD, TIOCSETD, &(int){0}) == 0;
}

/* A second listener would hear the broker's questions. */
static int
listen_to_filter (const World *world)
{
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF};
  struct sock_fprog program = {1, &allow};

  return syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                  &program) >= 0;
}

/* Whether the child of @run lived to say that its call worked. */
static int
worked_in_child (int (*run) (const World *), const World *world)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (run (world) ? 42 : 0);
  waitpid (pid, &status, 0);
  return WIFEXITED (status) && WEXITSTATUS (status) == 42;
}

#ifdef __x86_64__
/* getpid of 32-bit programs is number 20; here that is writev. */
static int
run_int80 (const World *world)
{
  long result;

  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
  return result > 0;
}

static int
run_x32 (const World *world)
{
  return syscall (0x40000000 | SYS_getpid) > 0 || errno != ENOSYS;
}
#else
static int
run_int80 (const World *world)
{
  return 0;
}

static int
run_x32 (const World *world)
{
  return 0;
}
#endif

static int
call_foreign (const World *world)
{
  return worked_in_child (run_int80, world);
}

static int
call_x32 (const World *world)
{
  return worked_in_child (run_x32, world);
}

/* Calls that were not invented yet answer as on a kernel that lacks them. */
static int
call_unknown (const World *world)
{
  for (int number = 471; number < 520; number++)
    if (syscall (number, 0, 0, 0, 0, 0, 0) >= 0 || errno != ENOSYS)
      return 1;
  return 0;
}

static int
change_personality (const World *world)
{
  return syscall (SYS_personality, 0x0400000 /* READ_IMPLIES_EXEC */) >= 0;
}

static int
manage_machine (const World *world)
{
  return sethostname ("hookrun", 7) == 0 || syscall (SYS_syslog, 3, NULL, 0) >= 0 ||
         syscall (SYS_quotactl, 0, NULL, 0, NULL) == 0 || syscall (SYS_acct, NULL) == 0 ||
         syscall (SYS_vhangup) == 0;
}

static int
regain_capabilities (const World *world)
{
  unsigned header[2] = {0x20080522, 0};
  unsigned data[6] = {~0u, ~0u, 0, ~0u, ~0u, 0};

  return syscall (SYS_capset, header, data) == 0 || prctl (PR_CAPBSET_DROP, 1, 0, 0, 0) == 0 ||
         prctl (PR_SET_SECUREBITS, 0, 0, 0, 0) == 0;
}

static int
has_new_privileges (const World *world)
{
  return prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static int
raise_limits (const World *world)
{
  struct {
    unsigned long long now, max;
  } core = {1 << 20, 1 << 20};

  return syscall (SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, &core, NULL) == 0;
}

const Attempt call_attempts[] = {
    {"unshare-user", unshare_user},
    {"unshare-mounts", unshare_mounts},
    {"clone-user", clone_user},
    {"clone3-user", clone3_user},
    {"clone-sibling", clone_sibling},
    {"enter-namespace", enter_namespace},
    {"mount", mount_something},
    {"mount-new-calls", mount_new_calls},
    {"change-root", change_root},
    {"io-uring", make_ring},
    {"bpf", load_program},
    {"perf", count_events},
    {"keys", use_keys},
    {"userfaultfd", handle_faults},
    {"sysv-memory", share_memory},
    {"sysv-messages", share_messages},
    {"posix-queue", share_queue},
    {"memory-file", make_memory_file},
    {"watch-files", watch_files},
    {"watch-by-fcntl", watch_by_fcntl},
    {"lease-file", lease_file},
    {"type-into-terminal", type_into_terminal},
    {"type-with-high-bits", type_with_high_bits},
    {"take-terminal", take_terminal},
    {"listen-to-filter", listen_to_filter},
    {"call-foreign", call_foreign},
    {"call-x32", call_x32},
    {"call-unknown", call_unknown},
    {"personality", change_personality},
    {"manage-machine", manage_machine},
    {"regain-capabilities", regain_capabilities},
    {"new-privileges", has_new_privileges},
    {"raise-limits", raise_limits},
    {NULL, NULL},
};
