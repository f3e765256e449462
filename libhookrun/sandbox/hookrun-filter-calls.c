/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables of system calls. A call that no row names is refused; what a row allows was judged by
 * what it can do to anything outside the sandbox when Landlock does not look at it. Numbers that
 * older headers lack are the same on all architectures.
 */
#include "hookrun-filter-private.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define CALL_MSEAL 462
#define NEWEST_CALL 470 /* listns, Linux 6.18 */

#define NAMESPACE_FLAGS                                                                            \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |    \
   CLONE_NEWNET)
#define SET_ID_BITS 06000

const guint32 hookrun_newest_call = NEWEST_CALL;

#define ALLOW HOOKRUN_CALL_ALLOW
#define REFUSE HOOKRUN_CALL_REFUSE
#define ABSENT HOOKRUN_CALL_ABSENT

/* ---- calls that touch nothing outside, or only what Landlock guards ---- */

static const int allowed[] = {
    /* descriptors and what they lead to */
    SYS_read,
    SYS_write,
    SYS_close,
    SYS_close_range,
    SYS_lseek,
    SYS_pread64,
    SYS_pwrite64,
    SYS_readv,
    SYS_writev,
    SYS_preadv,
    SYS_pwritev,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_dup,
    SYS_dup3,
    SYS_pipe2,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_ppoll,
    SYS_pselect6,
    SYS_sendfile,
    SYS_splice,
    SYS_tee,
    SYS_copy_file_range,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fadvise64,
    SYS_readahead,
    SYS_flock,
    SYS_getdents64,
    SYS_fstat,
    SYS_fstatfs,
    /* files by path: Landlock decides, or nothing but their existence is told */
    SYS_newfstatat,
    SYS_statx,
    SYS_statfs,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_getcwd,
    SYS_chdir,
    SYS_fchdir,
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_symlinkat,
    SYS_linkat,
    SYS_renameat2,
    SYS_umask,
    SYS_getxattr,
    SYS_lgetxattr,
    SYS_fgetxattr,
    SYS_listxattr,
    SYS_llistxattr,
    SYS_flistxattr,
    SYS_execve,
    SYS_execveat,
    /* memory */
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_msync,
    SYS_madvise,
    SYS_brk,
    SYS_mlock,
    SYS_mlock2,
    SYS_munlock,
    SYS_mlockall,
    SYS_munlockall,
    SYS_membarrier,
    SYS_get_mempolicy,
    SYS_mbind,
    SYS_set_mempolicy,
    SYS_pkey_alloc,
    SYS_pkey_free,
    SYS_pkey_mprotect,
    CALL_MSEAL,
    /* processes and threads of its own */
    SYS_exit,
    SYS_exit_group,
    SYS_wait4,
    SYS_waitid,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getpgid,
    SYS_getsid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getresuid,
    SYS_getresgid,
    SYS_getgroups,
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_capget,
    SYS_capset,
    SYS_set_tid_address,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_futex,
    SYS_futex_waitv,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_sched_get_priority_max,
    SYS_sched_get_priority_min,
    SYS_sched_rr_get_interval,
    SYS_sched_getattr,
    SYS_getpriority,
    SYS_ioprio_get,
    SYS_getrusage,
    SYS_getrlimit,
    SYS_setrlimit,
    SYS_times,
    SYS_getcpu,
    SYS_pidfd_open,
    SYS_restart_syscall,
    SYS_landlock_create_ruleset,
    SYS_landlock_add_rule,
    SYS_landlock_restrict_self,
    /* signals: those to others are Landlock's, or the broker's */
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    /* time and the machine */
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_getitimer,
    SYS_setitimer,
    SYS_timer_create,
    SYS_timer_settime,
    SYS_timer_gettime,
    SYS_timer_getoverrun,
    SYS_timer_delete,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrandom,
    /* sockets that are there already */
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_recvmmsg,
    SYS_shutdown,
    SYS_getsockname,
    SYS_getpeername,
    SYS_getsockopt,
    SYS_setsockopt,
#ifdef __x86_64__
    SYS_arch_prctl,
    SYS_open,
    SYS_creat,
    SYS_stat,
    SYS_lstat,
    SYS_poll,
    SYS_select,
    SYS_access,
    SYS_pipe,
    SYS_dup2,
    SYS_pause,
    SYS_alarm,
    SYS_fork,
    SYS_vfork,
    SYS_getdents,
    SYS_rename,
    SYS_mkdir,
    SYS_rmdir,
    SYS_link,
    SYS_unlink,
    SYS_symlink,
    SYS_readlink,
    SYS_getpgrp,
    SYS_time,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_signalfd,
    SYS_eventfd,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_riscv_flush_icache
    SYS_riscv_flush_icache,
#endif
};

/* Callers fall back to an older call when these are not there. openat2 hides its flags
 * from filters, fchmodat2 and its like are younger than the broker's words. */
static const int absent[] = {
    SYS_openat2,           452 /* fchmodat2 */,  SYS_inotify_init1,
    SYS_inotify_add_watch, SYS_inotify_rm_watch,
#ifdef __x86_64__
    SYS_inotify_init,
#endif
};

/* Attributes can be access lists. Programs that copy them take the file system for one without. */
static const int unsupported[] = {
    SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
};

/* ---- calls that are looked into ---- */

/* A sibling would be a child of the host, which knows nothing of it. */
static const HookrunCallTest of_clone[] = {
    {HOOKRUN_TEST_ANY_BIT, 0, NAMESPACE_FLAGS | CLONE_PARENT, REFUSE},
    {HOOKRUN_TEST_END},
};

/* Set-user-id and set-group-id bits would outlive the sandbox. */
static const HookrunCallTest of_openat[] = {
    {HOOKRUN_TEST_NO_BIT, 2, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), ALLOW},
    {HOOKRUN_TEST_ANY_BIT, 3, SET_ID_BITS, REFUSE},
    {HOOKRUN_TEST_END},
};
/* Nor are there devices and sockets to be made: not even those that take no privilege, where there
 * is no Landlock. */
#define NO_NODE(argument, kind)                                                                    \
  {                                                                                                \
    HOOKRUN_TEST_MASKED_EQUAL, argument, kind, REFUSE, S_IFMT                                      \
  }
#define NO_NODES(argument)                                                                         \
  NO_NODE (argument, S_IFSOCK), NO_NODE (argument, S_IFCHR), NO_NODE (argument, S_IFBLK)
static const HookrunCallTest of_mknodat[] = {
    NO_NODES (2),
    {HOOKRUN_TEST_ANY_BIT, 2, SET_ID_BITS, REFUSE},
    {HOOKRUN_TEST_END},
};
#ifdef __x86_64__
static const HookrunCallTest of_open[] = {
    {HOOKRUN_TEST_NO_BIT, 1, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), ALLOW},
    {HOOKRUN_TEST_ANY_BIT, 2, SET_ID_BITS, REFUSE},
    {HOOKRUN_TEST_END},
};
static const HookrunCallTest of_mknod[] = {
    NO_NODES (1),
    {HOOKRUN_TEST_ANY_BIT, 1, SET_ID_BITS, REFUSE},
    {HOOKRUN_TEST_END},
};
static const HookrunCallTest of_creat[] = {
    {HOOKRUN_TEST_ANY_BIT, 1, SET_ID_BITS, REFUSE},
    {HOOKRUN_TEST_END},
};
#endif

/* What a descriptor can be asked without reaching beyond it: leases hold up other programs, owners
 * and signal numbers send signals to them, notifications spy on folders. */
static const HookrunCallTest of_fcntl[] = {
    {HOOKRUN_TEST_EQUAL, 1, F_DUPFD, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_GETFD, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_SETFD, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_GETFL, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_SETFL, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_GETLK, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_SETLK, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_SETLKW, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_OFD_GETLK, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_OFD_SETLK, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_OFD_SETLKW, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_DUPFD_CLOEXEC, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_SETPIPE_SZ, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_GETPIPE_SZ, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_ADD_SEALS, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, F_GET_SEALS, ALLOW},
    {HOOKRUN_TEST_END},
};

/* The kernel compares 32 bits of the request, and so do the tests. Nothing that types into a
 * terminal, sets attributes of files, or speaks to a device. */
static const HookrunCallTest of_ioctl[] = {
    {HOOKRUN_TEST_EQUAL, 1, TCGETS, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, TCSETS, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, TCSETSW, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, TCSETSF, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, TIOCGWINSZ, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, TIOCGPGRP, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, FIONREAD, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, TIOCOUTQ, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, FIONBIO, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, FIOCLEX, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, FIONCLEX, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, 0x802c542au /* TCGETS2 */, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, 0x402c542bu /* TCSETS2 */, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, 0x402c542cu /* TCSETSW2 */, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, 0x402c542du /* TCSETSF2 */, ALLOW},
    {HOOKRUN_TEST_EQUAL, 1, 0x40049409u /* FICLONE */, ALLOW},
    {HOOKRUN_TEST_END},
};

/* No memory layout of its own making, no life after its host's wish, no speculation controls of
 * others; the rest of prctl is about the caller alone. */
static const HookrunCallTest of_prctl[] = {
    {HOOKRUN_TEST_EQUAL, 0, PR_SET_MM, REFUSE},
    {HOOKRUN_TEST_EQUAL, 0, PR_SET_PDEATHSIG, REFUSE},
    {HOOKRUN_TEST_EQUAL, 0, PR_SET_PTRACER, REFUSE},
    {HOOKRUN_TEST_EQUAL, 0, PR_SCHED_CORE, REFUSE},
    {HOOKRUN_TEST_END},
};

/* A second listener would take the broker's questions. */
static const HookrunCallTest of_seccomp[] = {
    {HOOKRUN_TEST_ANY_BIT, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER, REFUSE},
    {HOOKRUN_TEST_END},
};

static const HookrunCallTest of_own_first[] = {
    {HOOKRUN_TEST_EQUAL, 0, 0, ALLOW},
    {HOOKRUN_TEST_END},
};
static const HookrunCallTest of_own_second[] = {
    {HOOKRUN_TEST_NOT_EQUAL, 0, 0, REFUSE}, /* PRIO_PROCESS */
    {HOOKRUN_TEST_EQUAL, 1, 0, ALLOW},
    {HOOKRUN_TEST_END},
};
static const HookrunCallTest of_ioprio_set[] = {
    {HOOKRUN_TEST_NOT_EQUAL, 0, 1, REFUSE}, /* IOPRIO_WHO_PROCESS */
    {HOOKRUN_TEST_EQUAL, 1, 0, ALLOW},
    {HOOKRUN_TEST_END},
};
static const HookrunCallTest of_personality[] = {
    {HOOKRUN_TEST_EQUAL, 0, 0, ALLOW},
    {HOOKRUN_TEST_EQUAL, 0, 0xffffffffu, ALLOW},
    {HOOKRUN_TEST_END},
};

/* A pair of datagram sockets can send to any path; pairs of streams stay between themselves. */
static const HookrunCallTest of_socketpair[] = {
    {HOOKRUN_TEST_NOT_EQUAL, 0, AF_UNIX, REFUSE},
    {HOOKRUN_TEST_MASKED_EQUAL, 1, SOCK_STREAM, ALLOW, 0xf},
    {HOOKRUN_TEST_MASKED_EQUAL, 1, SOCK_SEQPACKET, ALLOW, 0xf},
    {HOOKRUN_TEST_END},
};

/* TCP that connects while it sends is not seen by Landlock. */
static const HookrunCallTest of_sendto[] = {
    {HOOKRUN_TEST_ANY_BIT, 3, MSG_FASTOPEN, REFUSE},
    {HOOKRUN_TEST_END},
};
static const HookrunCallTest of_sendmsg[] = {
    {HOOKRUN_TEST_ANY_BIT, 2, MSG_FASTOPEN, REFUSE},
    {HOOKRUN_TEST_END},
};

static const HookrunCallRule looked_into[] = {
    {SYS_clone, ALLOW, of_clone},
    {SYS_openat, ALLOW, of_openat},
    {SYS_mknodat, ALLOW, of_mknodat},
    {SYS_fcntl, REFUSE, of_fcntl},
    {SYS_ioctl, REFUSE, of_ioctl},
    {SYS_prctl, ALLOW, of_prctl},
    {SYS_seccomp, ALLOW, of_seccomp},
    {SYS_prlimit64, REFUSE, of_own_first},
    {SYS_sched_setaffinity, REFUSE, of_own_first},
    {SYS_sched_setattr, REFUSE, of_own_first},
    {SYS_sched_setparam, REFUSE, of_own_first},
    {SYS_sched_setscheduler, REFUSE, of_own_first},
    {SYS_setpriority, REFUSE, of_own_second},
    {SYS_ioprio_set, REFUSE, of_ioprio_set},
    {SYS_personality, REFUSE, of_personality},
    {SYS_socketpair, REFUSE, of_socketpair},
    {SYS_sendto, ALLOW, of_sendto},
    {SYS_sendmsg, ALLOW, of_sendmsg},
    {SYS_sendmmsg, ALLOW, of_sendto},
#ifdef __x86_64__
    {SYS_open, ALLOW, of_open},
    {SYS_creat, ALLOW, of_creat},
    {SYS_mknod, ALLOW, of_mknod},
#endif
};

static void
add (GArray *rules, int call, HookrunCallAction action)
{
  HookrunCallRule rule = {call, action, NULL};

  g_array_append_val (rules, rule);
}

void
hookrun_filter_add_calls (GArray *rules)
{
  for (guint i = 0; i < G_N_ELEMENTS (allowed); i++)
    add (rules, allowed[i], ALLOW);
  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    add (rules, absent[i], ABSENT);
  for (guint i = 0; i < G_N_ELEMENTS (unsupported); i++)
    add (rules, unsupported[i], HOOKRUN_CALL_UNSUPPORTED);
  g_array_append_vals (rules, looked_into, G_N_ELEMENTS (looked_into));
}
