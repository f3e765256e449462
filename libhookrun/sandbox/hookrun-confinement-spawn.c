/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One launch: finds the program, fills the child's plan, starts the child, and hands its tree over
 * to the supervisor. */
#include "hookrun-confinement-private.h"
#include "hookrun-child-private.h"
#include "hookrun-error-private.h"
#include "hookrun-exit-fd-private.h"
#include "hookrun-totals-private.h"
#include "hookrun-follower-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a program that asks for no limit gets: enough for all, and short to count through. */
#define DEFAULT_DESCRIPTORS 1024

/* ---- what the child is told ---- */

static char **
make_environment (HookrunConfinement *self, HookrunLaunch *launch)
{
  char **environment;

  if (launch->environment != NULL)
    environment = g_strdupv (launch->environment);
  else if ((self->layers & HOOKRUN_LAYER_ENVIRONMENT) == 0)
    environment = g_get_environ ();
  else
    environment = hookrun_policy_make_environment (self->policy, NULL);
  for (char **variable = launch->variables; variable != NULL && *variable != NULL; variable++) {
    g_autofree char *name = g_strndup (*variable, strcspn (*variable, "="));

    environment =
        g_environ_setenv (environment, name, *variable + strcspn (*variable, "=") + 1, TRUE);
  }
  return environment;
}

/* (transfer full) (nullable): the path to execute. */
static char *
find_program (const char *program, char **environment, GError **error)
{
  const char *path = g_environ_getenv (environment, "PATH");
  g_auto (GStrv) folders = NULL;

  if (strchr (program, '/') != NULL)
    return g_strdup (program);
  folders = g_strsplit (path != NULL ? path : "/usr/local/bin:/usr/bin:/bin", ":", -1);
  for (char **folder = folders; *folder != NULL; folder++) {
    g_autofree char *candidate = g_build_filename (*folder, program, NULL);

    if (**folder == '/' && access (candidate, X_OK) == 0 &&
        !g_file_test (candidate, G_FILE_TEST_IS_DIR))
      return g_steal_pointer (&candidate);
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
               "there is no program \"%s\" in the folders of PATH (%s)", program,
               path != NULL ? path : "not set");
  return NULL;
}

static void
add_limit (HookrunSandboxChildPlan *plan, int resource, guint64 soft, guint64 hard)
{
  struct rlimit now;

  if (getrlimit ((__rlimit_resource_t)resource, &now) < 0)
    return;
  g_assert (plan->n_limits < HOOKRUN_SANDBOX_CHILD_MAX_LIMITS);
  plan->limits[plan->n_limits].resource = resource;
  plan->limits[plan->n_limits].value.rlim_cur = MIN (soft, now.rlim_max);
  plan->limits[plan->n_limits].value.rlim_max = MIN (hard, now.rlim_max);
  plan->n_limits++;
}

/* The kernel counts all processes of the user, and root's not at all. With the processes of the
 * whole machine added it stops nothing but what grows faster than the supervisor looks. */
static void
add_processes_limit (HookrunSandboxChildPlan *plan, guint64 processes)
{
  struct sysinfo machine;

  if (sysinfo (&machine) == 0 && machine.procs > 0)
    add_limit (plan, RLIMIT_NPROC, machine.procs + processes, machine.procs + processes);
}

/* What one process can do alone. A quarter more memory than the total: what goes beyond the total
 * is to be found and named, not to fail in the program as if memory were short. For the same reason
 * none where the kernel keeps the total. */
static void
fill_limits (HookrunConfinement *self, HookrunSandboxChildPlan *plan)
{
  const guint64 *limits = self->policy->limits;
  guint64 cpu_s = (limits[HOOKRUN_LIMIT_CPU] + 999) / 1000;
  guint64 memory = limits[HOOKRUN_LIMIT_MEMORY];
  guint64 file = limits[HOOKRUN_LIMIT_FILE_SIZE];
  guint64 disk = limits[HOOKRUN_LIMIT_DISK];
  guint64 descriptors = limits[HOOKRUN_LIMIT_DESCRIPTORS];

  if ((self->layers & HOOKRUN_LAYER_RLIMITS) == 0)
    return;
  add_limit (plan, RLIMIT_CORE, 0, 0);
  if (descriptors == 0)
    add_limit (plan, RLIMIT_NOFILE, DEFAULT_DESCRIPTORS, RLIM_INFINITY);
  else
    add_limit (plan, RLIMIT_NOFILE, descriptors, descriptors);
  if (limits[HOOKRUN_LIMIT_PROCESSES] != 0)
    add_processes_limit (plan, limits[HOOKRUN_LIMIT_PROCESSES]);
  if (cpu_s != 0)
    add_limit (plan, RLIMIT_CPU, cpu_s, cpu_s + 1);
  if (memory != 0 &&
      !(self->cgroups != NULL && hookrun_cgroups_keeps (self->cgroups, HOOKRUN_LIMIT_MEMORY)))
    add_limit (plan, RLIMIT_DATA, memory + memory / 4, memory + memory / 4);
  if (file == 0 || (disk != 0 && disk < file))
    file = disk;
  if (file != 0)
    add_limit (plan, RLIMIT_FSIZE, file, file);
}

static void
fill_plan (HookrunConfinement *self, HookrunLaunch *launch, HookrunCgroup *cgroup,
           HookrunSandboxChildPlan *plan)
{
  plan->layers = self->layers;
  plan->argv = launch->argv;
  plan->folder = launch->folder_fd < 0 && launch->folder == NULL ? "/" : launch->folder;
  plan->folder_fd = launch->folder_fd;
  if (launch->folder_fd >= 0)
    plan->folder = NULL;
  plan->null_fd = self->null_fd;
  plan->ruleset_fd = self->ruleset_fd;
  plan->broker_fd = self->broker_fds[0];
  plan->cgroup_fd = cgroup != NULL ? hookrun_cgroup_fd (cgroup) : -1;
  plan->cgroup_entry_fd = cgroup != NULL ? hookrun_cgroup_entry_fd (cgroup) : -1;
  plan->uses_clone3 = cgroup != NULL && self->features.has_clone3;
  plan->gate_fd = -1;
  plan->passed = (const HookrunPassedFd *)(gpointer)launch->passed->data;
  plan->n_passed = launch->passed->len;
  if (self->filter != NULL) {
    plan->filter.filter = (struct sock_filter *)(gpointer)self->filter->data;
    plan->filter.len = (unsigned short)self->filter->len;
  }
  plan->filter_flags = self->filter_flags;
  plan->namespaces = self->namespaces;
  plan->is_confined = self->launcher != NULL;
  memcpy (plan->secret, self->secret, sizeof plan->secret);
  plan->report = (HookrunSandboxChildReport *)(gpointer)self->stack;
  fill_limits (self, plan);
}

/* ---- when it does not work ---- */

static const char *const stages[] = {
    [HOOKRUN_STAGE_BEGIN] = "begin",
    [HOOKRUN_STAGE_CGROUP] = "enter its control group",
    [HOOKRUN_STAGE_GROUP] = "make a session of its own",
    [HOOKRUN_STAGE_NAMESPACES] = "enter its namespaces",
    [HOOKRUN_STAGE_FOLDER] = "enter its folder",
    [HOOKRUN_STAGE_STREAMS] = "arrange its descriptors",
    [HOOKRUN_STAGE_LIMITS] = "set its limits",
    [HOOKRUN_STAGE_CAPABILITIES] = "give up its capabilities",
    [HOOKRUN_STAGE_NO_NEW_PRIVILEGES] = "give up new privileges",
    [HOOKRUN_STAGE_LANDLOCK] = "restrict itself with Landlock",
    [HOOKRUN_STAGE_FILTER] = "set its system call filter",
    [HOOKRUN_STAGE_BROKER] = "reach the broker",
    [HOOKRUN_STAGE_OBSERVE] = "be observed",
};

void
hookrun_confinement_explain (const HookrunSandboxChildPlan *plan, const char *what, GError **error)
{
  hookrun_set_error_from_errno (error, plan->report->problem, "%s could not %s", what,
                                stages[plan->report->stage]);
}

static void
explain_execute (HookrunConfinement *self, HookrunLaunch *launch, const char *program, int problem,
                 GError **error)
{
  const char *remedy = "";

  /* Where files are hidden, one that is not granted is not there. */
  if ((problem == EACCES || (problem == ENOENT && self->namespaces != NULL)) &&
      (hookrun_policy_get_access (self->policy, program) & HOOKRUN_ACCESS_EXECUTE) == 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
                 "the policy does not allow to run \"%s\"; add \"execute\": [\"%s\"] to it",
                 program, program);
    return;
  }
  if (problem == ENOENT && access (program, F_OK) == 0)
    remedy = " (the file is there; the interpreter that its first line or its header names is not "
             "there)";
  else if (problem == ENOEXEC)
    remedy = " (neither a program nor a script whose first line starts with #!)";
  else if (problem == EACCES)
    remedy = " (it needs execute permission (chmod +x), and the interpreter that it names must be "
             "granted, too)";
  else if (problem == E2BIG)
    remedy = " (its arguments and environment are too large)";
  hookrun_set_error_from_errno (error, problem, "cannot run \"%s\" in the sandbox%s", program,
                                remedy);
}

static void
explain (HookrunConfinement *self, HookrunLaunch *launch, const HookrunSandboxChildPlan *plan,
         GError **error)
{
  int stage = plan->report->stage;
  int problem = plan->report->problem;

  if (stage == HOOKRUN_STAGE_OBSERVE)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                 "cannot observe \"%s\": this system lets no program be traced by this user; set "
                 "kernel.yama.ptrace_scope to 1 with sysctl, or allow ptrace() in the container",
                 plan->program);
  else if (stage == HOOKRUN_STAGE_EXECUTE)
    explain_execute (self, launch, plan->program, problem, error);
  else if (stage == HOOKRUN_STAGE_FOLDER && plan->folder != NULL)
    hookrun_set_error_from_errno (error, problem, "cannot run \"%s\" in folder \"%s\"",
                                  plan->program, plan->folder);
  else
    hookrun_confinement_explain (plan, "cannot run a program in the sandbox: its process", error);
}

/* ---- what becomes of it ---- */

/* The listener that the child sent before it executed the program; -1 with errno. */
static int
receive_listener (int socket_fd)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int))];
  } control;
  char byte;
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *header;
  int listener = -1;

  if (recvmsg (socket_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
    return -1;
  header = CMSG_FIRSTHDR (&message);
  if (header == NULL || header->cmsg_type != SCM_RIGHTS) {
    errno = EPROTO;
    return -1;
  }
  memcpy (&listener, CMSG_DATA (header), sizeof listener);
  return listener;
}

static HookrunTree *
tree_new (HookrunConfinement *self, HookrunCgroup *cgroup, pid_t pid, int pidfd, int listener,
          gint64 started)
{
  HookrunTree *tree = g_new0 (HookrunTree, 1);
  guint64 wall_ms = self->policy->limits[HOOKRUN_LIMIT_WALL];

  g_atomic_ref_count_init (&tree->references);
  g_mutex_init (&tree->lock);
  tree->supervisor = hookrun_supervisor_ref (self->supervisor);
  tree->policy = hookrun_policy_ref (self->policy);
  tree->layers = self->layers;
  tree->pid = pid;
  tree->pidfd = pidfd;
  tree->listener = listener;
  tree->broker = self->broker != NULL ? hookrun_broker_ref (self->broker) : NULL;
  tree->started = started;
  tree->end_fd = -1;
  tree->cgroup = cgroup;
  if ((self->layers & HOOKRUN_LAYER_TOTALS) != 0) {
    tree->wall_until = wall_ms != 0 ? started + (gint64)wall_ms * 1000 : 0;
    tree->totals = hookrun_totals_new (self->policy, pid, cgroup);
  }
  return tree;
}

/* A child that never ran the program. */
static void
bury (pid_t pid, int pidfd)
{
  kill (pid, SIGKILL);
  while (waitpid (pid, NULL, __WALL) < 0 && errno == EINTR)
    continue;
  if (pidfd >= 0)
    close (pidfd);
}

static HookrunTree *
start (HookrunConfinement *self, HookrunLaunch *launch, HookrunCgroup *cgroup,
       const HookrunSandboxChildPlan *plan, GError **error)
{
  gint64 started = g_get_monotonic_time ();
  int listener = -1;
  int pidfd = -1;
  gpointer stack_top = self->stack + HOOKRUN_STACK_SIZE;
  pid_t pid = self->launcher != NULL
                  ? hookrun_launcher_start (self->launcher, plan, stack_top, &pidfd)
                  : hookrun_sandbox_child_start (plan, stack_top, &pidfd);

  if (pid < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot start a process for \"%s\"", plan->program);
    return NULL;
  }
  if (plan->broker_fd >= 0)
    listener = receive_listener (self->broker_fds[1]);
  if (plan->report->problem != 0) {
    if (listener >= 0)
      close (listener);
    explain (self, launch, plan, error);
    bury (pid, pidfd);
    return NULL;
  }
  if (plan->broker_fd >= 0 && listener < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot serve \"%s\": its broker is not reached",
                                  plan->program);
    bury (pid, pidfd);
    return NULL;
  }
  return tree_new (self, cgroup, pid, pidfd, listener, started);
}

gboolean
hookrun_confinement_try_namespaces (HookrunConfinement *self, GError **error)
{
  HookrunPassedFd none;
  HookrunSandboxChildPlan plan = {.layers = self->layers,
                                  .folder = "/",
                                  .folder_fd = -1,
                                  .null_fd = self->null_fd,
                                  .ruleset_fd = -1,
                                  .broker_fd = -1,
                                  .cgroup_fd = -1,
                                  .cgroup_entry_fd = -1,
                                  .gate_fd = -1,
                                  .passed = &none,
                                  .namespaces = self->namespaces,
                                  .only_tries = TRUE,
                                  .report = (HookrunSandboxChildReport *)(gpointer)self->stack};
  int pidfd = -1;
  pid_t pid = hookrun_sandbox_child_start (&plan, self->stack + HOOKRUN_STACK_SIZE, &pidfd);
  int problem = pid < 0 ? errno : plan.report->problem;
  gboolean has_landlock = self->features.landlock > 0;

  if (pid >= 0)
    bury (pid, pidfd);
  if (problem == 0)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
               "the policy promises that it %s, but this system %smakes no namespaces for this "
               "user (%s): raise user.max_user_namespaces, set "
               "kernel.unprivileged_userns_clone to 1 or "
               "kernel.apparmor_restrict_unprivileged_userns to 0 with sysctl, allow it in the "
               "container, or %s",
               has_landlock ? "sees nothing but what it is granted"
                            : "reaches no file but those it is granted",
               has_landlock ? "" : "has no Landlock and ", g_strerror (problem),
               has_landlock ? "set \"tier\" to \"fast\" without \"hide\" and \"sockets\""
                            : HOOKRUN_LANDLOCK_REMEDY);
  return FALSE;
}

/* A folder that was opened outside is a way to all that is outside, unless Landlock stands in it:
 * the program gets its folder by name, where it is, and no other one. */
static gboolean
close_ways_out (HookrunConfinement *self, HookrunLaunch *launch, char **folder, GError **error)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", launch->folder_fd);

  if (self->features.landlock > 0)
    return TRUE;
  for (guint i = 0; i < launch->passed->len; i++) {
    const HookrunPassedFd *passed = &g_array_index (launch->passed, HookrunPassedFd, i);
    struct stat st;

    if (fstat (passed->fd, &st) < 0 || !S_ISDIR (st.st_mode))
      continue;
    g_set_error (
        error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
        "descriptor %d of the program is a folder, which leads to all others on a system "
        "that has no Landlock: grant the folder in the policy, or " HOOKRUN_LANDLOCK_REMEDY,
        passed->target);
    return FALSE;
  }
  if (launch->folder_fd < 0)
    return TRUE;
  *folder = g_file_read_link (link, error);
  return *folder != NULL;
}

/* @cgroup is NULL where there are none. */
static gboolean
take_cgroup (HookrunConfinement *self, HookrunCgroup **cgroup, GError **error)
{
  *cgroup = self->cgroups != NULL ? hookrun_cgroups_take (self->cgroups) : NULL;
  if (*cgroup != NULL || self->cgroups == NULL)
    return TRUE;
  hookrun_set_error_from_errno (error, errno,
                                "cannot limit a program: no control group can be made any more");
  return FALSE;
}

/* @follower stays NULL where nobody observes. */
static gboolean
take_follower (HookrunConfinement *self, HookrunLaunch *launch, HookrunFollower **follower,
               GError **error)
{
  gboolean hides = self->namespaces != NULL;
  HookrunJudge *own;
  HookrunJudge *measure;

  if (!launch->is_observed)
    return TRUE;
  own = hookrun_judge_new (self->policy, self->filter, hides);
  measure = launch->measure != NULL ? hookrun_judge_new (launch->measure, NULL, FALSE) : NULL;
  *follower = hookrun_follower_new (own, measure, error);
  return *follower != NULL;
}

HookrunTree *
hookrun_confinement_spawn (HookrunConfinement *self, HookrunLaunch *launch, GError **error)
{
  g_auto (GStrv) environment = make_environment (self, launch);
  g_autofree char *program = find_program (launch->argv[0], environment, error);
  HookrunSandboxChildPlan plan = {0};
  g_autofree char *folder = NULL;
  HookrunCgroup *cgroup = NULL;
  g_autoptr (HookrunFollower) follower = NULL;
  HookrunTree *tree;

  if (program == NULL || !close_ways_out (self, launch, &folder, error) ||
      !take_follower (self, launch, &follower, error) || !take_cgroup (self, &cgroup, error)) {
    if (follower != NULL)
      hookrun_follower_close_gate (follower);
    return NULL;
  }
  fill_plan (self, launch, cgroup, &plan);
  if (folder != NULL) {
    plan.folder = folder;
    plan.folder_fd = -1;
  }
  plan.program = program;
  plan.environment = environment;
  if (follower != NULL)
    plan.gate_fd = hookrun_follower_gate (follower);
  g_mutex_lock (&self->launch);
  tree = start (self, launch, cgroup, &plan, error);
  g_mutex_unlock (&self->launch);
  if (tree == NULL && cgroup != NULL)
    hookrun_cgroup_give_back (cgroup, 0);
  if (follower != NULL)
    hookrun_follower_close_gate (follower);
  if (tree == NULL)
    return NULL;
  tree->follower = g_steal_pointer (&follower);
  hookrun_child_guard_add (tree->pid);
  hookrun_supervisor_add (self->supervisor, tree);
  return tree;
}
