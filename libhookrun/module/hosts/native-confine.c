/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process may do that describes a module in C, inside the sandbox that its parent lives in:
 * no exec, no fork, no write, no signal to others; it reads the modules and libraries only. Files
 * are the parent's to confine, once for all its children: a ruleset for each costs too much.
 */
#include "native-host-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define OWN_ARCH AUDIT_ARCH_RISCV64
#endif

#define X32_BIT 0x40000000u
/* All rights that the first Landlock knows: reading, writing, making, removing, executing. Later
 * ones are the outer sandbox's. */
#define ALL_RIGHTS ((1ull << 13) - 1)
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define MAX_CPU_SECONDS 1
/* Two of them fit into what all have together: one that eats its share takes none along. */
#define MAX_MEMORY (224ull * 1024 * 1024)

static const char *const libraries[] = {"/usr/lib", "/usr/lib64",     "/lib",
                                        "/lib64",   "/usr/local/lib", "/etc/ld.so.cache"};

/* Calls that look at nothing but the process itself. */
static const int allowed[] = {
    SYS_read,         SYS_pread64,         SYS_close,
    SYS_fstat,        SYS_newfstatat,      SYS_lseek,
    SYS_mmap,         SYS_munmap,          SYS_mprotect,
    SYS_mremap,       SYS_madvise,         SYS_brk,
    SYS_futex,        SYS_getpid,          SYS_gettid,
    SYS_rt_sigaction, SYS_rt_sigprocmask,  SYS_rt_sigreturn,
    SYS_sigaltstack,  SYS_getrandom,       SYS_clock_gettime,
    SYS_gettimeofday, SYS_sched_yield,     SYS_exit,
    SYS_exit_group,   SYS_clock_nanosleep, SYS_restart_syscall,
};

/* ---- Landlock ---- */

/* What does not exist, or cannot be read anyway, needs no rule. */
static int
allow_reading (int ruleset, const char *path)
{
  struct landlock_path_beneath_attr rule = {.allowed_access = READ_RIGHTS};
  int problem = 0;

  rule.parent_fd = open (path, O_PATH | O_CLOEXEC);
  if (rule.parent_fd < 0)
    return 0;
  if (syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) {
    /* A file has no right to list what is in it. */
    rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
    if (syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
      problem = errno;
  }
  close (rule.parent_fd);
  return problem;
}

/* A kernel without Landlock leaves it to the outer sandbox's namespaces to hide files. */
int
confine_files (const char *files, size_t length)
{
  struct landlock_ruleset_attr attr = {.handled_access_fs = ALL_RIGHTS};
  int ruleset = (int)syscall (SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
  int problem = 0;

  if (ruleset < 0)
    return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : errno;
  for (size_t i = 0; problem == 0 && i < G_N_ELEMENTS (libraries); i++)
    problem = allow_reading (ruleset, libraries[i]);
  for (const char *file = files; problem == 0 && file < files + length; file += strlen (file) + 1)
    problem = allow_reading (ruleset, file);
  if (problem == 0 && (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                       syscall (SYS_landlock_restrict_self, ruleset, 0) < 0))
    problem = errno;
  close (ruleset);
  return problem;
}

/* ---- system calls ---- */

#define LOAD(field)                                                                                \
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof (struct seccomp_data, field))
#define LOAD_ARG(n)                                                                                \
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, (unsigned)(offsetof (struct seccomp_data, args) + 8 * (n)))
#define GIVE(value) BPF_STMT (BPF_RET | BPF_K, (value))
#define REFUSE GIVE (SECCOMP_RET_ERRNO | EPERM)

/* Opening is for reading; a signal goes to the process itself, as abort() sends it. */
static size_t
make_filter (struct sock_filter *out)
{
  const unsigned writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  const struct sock_filter head[] = {
      LOAD (arch),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
      GIVE (SECCOMP_RET_KILL_PROCESS),
      LOAD (nr),
      BPF_JUMP (BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
      GIVE (SECCOMP_RET_KILL_PROCESS),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 4),
      LOAD_ARG (2),
      BPF_JUMP (BPF_JMP | BPF_JSET | BPF_K, writes, 0, 1),
      REFUSE,
      GIVE (SECCOMP_RET_ALLOW),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 4),
      LOAD_ARG (0),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (unsigned)getpid (), 1, 0),
      REFUSE,
      GIVE (SECCOMP_RET_ALLOW),
  };
  size_t n = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (head); i++)
    out[n++] = head[i];
  for (size_t i = 0; i < G_N_ELEMENTS (allowed); i++) {
    const struct sock_filter row[] = {
        BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], 0, 1),
        GIVE (SECCOMP_RET_ALLOW),
    };

    out[n++] = row[0];
    out[n++] = row[1];
  }
  out[n++] = (struct sock_filter)REFUSE;
  return n;
}

static int
confine_calls (void)
{
  struct sock_filter filter[32 + 2 * G_N_ELEMENTS (allowed)];
  struct sock_fprog program = {.filter = filter};

  program.len = (unsigned short)make_filter (filter);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
      prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
    return errno;
  return 0;
}

int
confine_for_description (void)
{
  const struct rlimit cpu = {MAX_CPU_SECONDS, MAX_CPU_SECONDS};
  const struct rlimit memory = {MAX_MEMORY, MAX_MEMORY};
  const struct rlimit core = {0, 0};

  if (setrlimit (RLIMIT_CPU, &cpu) < 0 || setrlimit (RLIMIT_AS, &memory) < 0 ||
      setrlimit (RLIMIT_CORE, &core) < 0)
    return errno;
  return confine_calls ();
}
