/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Denials that are about the network, services and signals, and those of the filter. */
#include "hookrun-judge-private.h"
#include "hookrun-policy-private.h"
#include "hookrun-process-memory-private.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define TYPE_MASK 0xf

static HookrunDenial *
deny (const HookrunObservedCall *call, HookrunDenialKind kind, const char *object, int problem,
      const char *reason)
{
  g_autofree char *name = hookrun_observed_name (call->number);
  HookrunDenial *denial = hookrun_denial_new (kind, object, name, problem);

  denial->reason = g_strdup (reason);
  return denial;
}

static HookrunDenial *
deny_network (const HookrunObservedCall *call, const char *object, int problem,
              HookrunNetwork network, const char *reason)
{
  HookrunDenial *denial = deny (call, HOOKRUN_DENIAL_NETWORK, object, problem, reason);

  denial->remedy = hookrun_policy_new ();
  hookrun_policy_set_network (denial->remedy, network);
  return denial;
}

/* ---- sockets ---- */

/* Where no cache of names runs, the C library asks for it in vain, sandbox or not, and this is how
 * it asks. */
static gboolean
asks_for_names (const HookrunObservedCall *call)
{
  return (int)call->args[1] == (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK) &&
         access ("/var/run/nscd/socket", F_OK) < 0;
}

static HookrunDenial *
deny_service (const HookrunObservedCall *call, int problem)
{
  HookrunDenial *denial =
      deny (call, HOOKRUN_DENIAL_SOCKET, "unix socket", problem,
            "which service it wants is known when it connects; one is allowed by its path: "
            "\"sockets\": [\"/run/…\"]");

  if (!asks_for_names (call))
    return denial;
  denial->has_other_way = TRUE;
  g_free (denial->reason);
  denial->reason = g_strdup ("a cache of users and hosts is asked for, and none runs here");
  return denial;
}

/* NULL: the policy allows such sockets, or nobody has them. */
static HookrunDenial *
judge_socket (const HookrunJudge *self, const HookrunObservedCall *call, int problem)
{
  HookrunNetwork network = self->policy->network;
  guint64 domain = call->args[0];
  guint64 type = call->args[1] & TYPE_MASK;
  gboolean is_ip = domain == AF_INET || domain == AF_INET6;

  if (is_ip && type == SOCK_STREAM && network == HOOKRUN_NETWORK_NONE)
    return deny_network (call, "tcp", problem, HOOKRUN_NETWORK_PORTS,
                         "this allows sockets and no port yet; which port it wants is known when "
                         "it connects");
  if (((is_ip && type == SOCK_DGRAM) || (domain == AF_NETLINK && call->args[2] == NETLINK_ROUTE)) &&
      network != HOOKRUN_NETWORK_ALL)
    return deny_network (call, is_ip ? "udp" : "interfaces", problem, HOOKRUN_NETWORK_ALL, NULL);
  if (domain == AF_UNIX && self->policy->sockets->len == 0 && problem != 0)
    return deny_service (call, problem);
  return NULL;
}

static gboolean
has_port (const GArray *ports, guint16 port)
{
  for (guint i = 0; i < ports->len; i++)
    if (g_array_index (ports, guint16, i) == port)
      return TRUE;
  return FALSE;
}

static HookrunDenial *
judge_port (const HookrunJudge *self, const HookrunObservedCall *call, int problem, guint16 port)
{
  gboolean is_bind = call->row->kind == HOOKRUN_OBSERVED_BIND;
  g_autofree char *object = g_strdup_printf ("tcp:%u%s", port, is_bind ? " (listen)" : "");
  HookrunDenial *denial;

  if (self->policy->network == HOOKRUN_NETWORK_ALL ||
      has_port (is_bind ? self->policy->bind : self->policy->connect, port))
    return NULL;
  if (port == 0 && !is_bind)
    return NULL;
  denial = deny (call, HOOKRUN_DENIAL_NETWORK, object, problem, NULL);
  denial->remedy = hookrun_policy_new ();
  if (is_bind)
    hookrun_policy_grant_bind (denial->remedy, port);
  else
    hookrun_policy_grant_connect (denial->remedy, port);
  return denial;
}

static gboolean
has_socket (const HookrunJudge *self, const char *path)
{
  for (guint i = 0; i < self->policy->sockets->len; i++) {
    struct stat granted;
    struct stat meant;

    if (stat (g_ptr_array_index (self->policy->sockets, i), &granted) == 0 &&
        stat (path, &meant) == 0 && granted.st_dev == meant.st_dev &&
        granted.st_ino == meant.st_ino)
      return TRUE;
  }
  return FALSE;
}

static HookrunDenial *
judge_unix (const HookrunJudge *self, const HookrunObservedCall *call, int problem,
            const struct sockaddr_un *address, gsize length)
{
  char path[sizeof address->sun_path + 1] = {0};
  HookrunDenial *denial;
  struct stat st;

  length = MIN (length, sizeof *address) - offsetof (struct sockaddr_un, sun_path);
  memcpy (path, address->sun_path, length);
  if (call->row->kind == HOOKRUN_OBSERVED_BIND)
    return problem == EACCES && *path == '/'
               ? deny (call, HOOKRUN_DENIAL_SOCKET, path, problem,
                       "no policy lets a program make sockets in folders")
               : NULL;
  if (*path == '\0')
    return problem == EPERM ? deny (call, HOOKRUN_DENIAL_SOCKET, "abstract unix socket", problem,
                                    "no policy allows sockets without a path")
                            : NULL;
  if (*path != '/' || stat (path, &st) < 0 || !S_ISSOCK (st.st_mode) || has_socket (self, path) ||
      !hookrun_access_is_ordinary (path, W_OK))
    return NULL;
  denial = deny (call, HOOKRUN_DENIAL_SOCKET, path, problem, NULL);
  denial->remedy = hookrun_policy_new ();
  if (g_utf8_validate (path, -1, NULL))
    hookrun_policy_grant_socket (denial->remedy, path, NULL);
  else
    g_clear_pointer (&denial->remedy, hookrun_policy_unref);
  return denial;
}

/* Only TCP sockets have ports that a policy speaks of. */
static HookrunDenial *
judge_address (const HookrunJudge *self, const HookrunObservedCall *call, int problem)
{
  union {
    struct sockaddr any;
    struct sockaddr_in ip;
    struct sockaddr_in6 ip6;
    struct sockaddr_un local;
    char bytes[sizeof (struct sockaddr_un)];
  } address = {0};
  gsize length = MIN ((gsize)(guint32)call->args[2], sizeof address);

  if (length < offsetof (struct sockaddr_un, sun_path) ||
      !hookrun_process_copy_bytes (call->pid, call->args[1], &address, length))
    return NULL;
  if (address.any.sa_family == AF_UNIX)
    return judge_unix (self, call, problem, &address.local, length);
  if (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6)
    return NULL;
  if (length < offsetof (struct sockaddr_in, sin_addr) ||
      self->policy->network == HOOKRUN_NETWORK_ALL)
    return NULL;
  return judge_port (self, call, problem, ntohs (address.ip.sin_port));
}

/* ---- signals ---- */

static HookrunDenial *
judge_signal (const HookrunObservedCall *call, int problem)
{
  pid_t pid = (pid_t)call->args[0];

  if (problem != EPERM || (pid > 0 && kill (pid, 0) < 0))
    return NULL;
  return deny (call, HOOKRUN_DENIAL_CALL, call->row->name, problem,
               "signals reach its own processes only, whatever the policy");
}

HookrunDenial *
hookrun_judge_sockets (const HookrunJudge *self, const HookrunObservedCall *call, int problem)
{
  switch (call->row->kind) {
  case HOOKRUN_OBSERVED_SOCKET:
    return problem == 0 ? judge_socket (self, call, problem) : NULL;
  case HOOKRUN_OBSERVED_CONNECT:
  case HOOKRUN_OBSERVED_BIND:
    if (problem == 0 || problem == EINPROGRESS || problem == EACCES || problem == EPERM ||
        (self->hides && problem == ENOENT))
      return judge_address (self, call, problem == EINPROGRESS ? 0 : problem);
    return NULL;
  case HOOKRUN_OBSERVED_SIGNAL:
    return judge_signal (call, problem);
  default:
    return NULL;
  }
}

/* ---- the filter ---- */

static const struct {
  int call;
  const char *reason;
} reasons[] = {
    {SYS_setsid, "no program leaves its process group, so that it can be ended whole"},
    {SYS_setpgid, "no program leaves its process group, so that it can be ended whole"},
    {SYS_fchown, "no policy lets a program change owners"},
    {SYS_fchownat, "no policy lets a program change owners"},
    {SYS_kill, "signals reach its own processes only, whatever the policy"},
    {SYS_fchmod, "set-user-id and set-group-id bits would outlive the sandbox"},
    {SYS_fchmodat, "set-user-id and set-group-id bits would outlive the sandbox"},
    {SYS_openat, "set-user-id and set-group-id bits would outlive the sandbox"},
    {SYS_mount, "no policy lets a program mount"},
    {SYS_memfd_create, "no policy allows programs without a file"},
    {SYS_ptrace, "no policy lets a program look into others"},
#ifdef __x86_64__
    {SYS_chown, "no policy lets a program change owners"},
    {SYS_lchown, "no policy lets a program change owners"},
    {SYS_chmod, "set-user-id and set-group-id bits would outlive the sandbox"},
#endif
};

static const char *
reason_for (int call)
{
  for (gsize i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (reasons[i].call == call)
      return reasons[i].reason;
  return "no policy allows this call, or not with these arguments";
}

HookrunDenial *
hookrun_judge_filtered (const HookrunJudge *self, HookrunObservedCall *call, int problem)
{
  g_autofree char *name = hookrun_observed_name (call->number);
  HookrunObservedKind kind = call->row != NULL ? call->row->kind : HOOKRUN_OBSERVED_NONE;
  HookrunDenial *denial = NULL;

  if (problem == ENOSYS || problem == EOPNOTSUPP) {
    denial = deny (call, HOOKRUN_DENIAL_CALL, name, problem,
                   "programs do without it: they take it for an older system, or a file system "
                   "that lacks it");
    denial->has_other_way = TRUE;
    return denial;
  }
  if (kind == HOOKRUN_OBSERVED_SOCKET)
    denial = judge_socket (self, call, problem);
  else if (kind == HOOKRUN_OBSERVED_CONNECT || kind == HOOKRUN_OBSERVED_BIND)
    denial = judge_address (self, call, problem);
  if (denial == NULL)
    denial = deny (call, HOOKRUN_DENIAL_CALL, name, problem, reason_for (call->number));
  return denial;
}
