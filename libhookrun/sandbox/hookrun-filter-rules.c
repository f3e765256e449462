/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of the filter that depends on the policy and on what the kernel guards by itself: modes
 * and times, signals, sessions, sockets. */
#include "hookrun-filter-private.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SET_ID_BITS 06000

#define ALLOW HOOKRUN_CALL_ALLOW
#define REFUSE HOOKRUN_CALL_REFUSE
#define ASK HOOKRUN_CALL_ASK

/* Conditions that must all hold: each but the last has the action AND. */
#define ALL HOOKRUN_CALL_AND
#define IP_SOCKET(domain, type, protocol)                                                          \
  {HOOKRUN_TEST_EQUAL, 0, domain, ALL}, {HOOKRUN_TEST_MASKED_EQUAL, 1, type, ALL, 0xf},            \
      {HOOKRUN_TEST_EQUAL, 2, 0, ALLOW}, {HOOKRUN_TEST_EQUAL, 0, domain, ALL},                     \
      {HOOKRUN_TEST_MASKED_EQUAL, 1, type, ALL, 0xf},                                              \
  {                                                                                                \
    HOOKRUN_TEST_EQUAL, 2, protocol, ALLOW                                                         \
  }
#define TCP_SOCKETS                                                                                \
  IP_SOCKET (AF_INET, SOCK_STREAM, IPPROTO_TCP), IP_SOCKET (AF_INET6, SOCK_STREAM, IPPROTO_TCP)
#define UDP_SOCKETS                                                                                \
  IP_SOCKET (AF_INET, SOCK_DGRAM, IPPROTO_UDP), IP_SOCKET (AF_INET6, SOCK_DGRAM, IPPROTO_UDP)
#define ROUTE_SOCKETS                                                                              \
  {HOOKRUN_TEST_EQUAL, 0, AF_NETLINK, ALL},                                                        \
  {                                                                                                \
    HOOKRUN_TEST_EQUAL, 2, 0, ALLOW                                                                \
  }
#define UNIX_SOCKETS                                                                               \
  {                                                                                                \
    HOOKRUN_TEST_EQUAL, 0, AF_UNIX, ALLOW                                                          \
  }

static const HookrunCallTest no_socket[] = {{HOOKRUN_TEST_END}};
static const HookrunCallTest unix_socket[] = {UNIX_SOCKETS, {HOOKRUN_TEST_END}};
static const HookrunCallTest tcp_socket[] = {TCP_SOCKETS, {HOOKRUN_TEST_END}};
static const HookrunCallTest tcp_unix_socket[] = {TCP_SOCKETS, UNIX_SOCKETS, {HOOKRUN_TEST_END}};
static const HookrunCallTest ip_socket[] = {
    TCP_SOCKETS, UDP_SOCKETS, ROUTE_SOCKETS, {HOOKRUN_TEST_END}};
static const HookrunCallTest ip_unix_socket[] = {
    TCP_SOCKETS, UDP_SOCKETS, ROUTE_SOCKETS, UNIX_SOCKETS, {HOOKRUN_TEST_END}};

/* Modes are the second argument of all but fchmodat. */
static const HookrunCallTest of_chmod[] = {
    {HOOKRUN_TEST_ANY_BIT, 1, SET_ID_BITS, REFUSE},
    {HOOKRUN_TEST_END},
};
static const HookrunCallTest of_fchmodat[] = {
    {HOOKRUN_TEST_ANY_BIT, 2, SET_ID_BITS, REFUSE},
    {HOOKRUN_TEST_END},
};

/* 0 is the caller's own group, and that is the sandbox; -1 is everybody. */
static const HookrunCallTest of_kill[] = {
    {HOOKRUN_TEST_EQUAL, 0, 0, ALLOW},
    {HOOKRUN_TEST_EQUAL, 0, 0xffffffffu, REFUSE},
    {HOOKRUN_TEST_END},
};

static void
add (GArray *rules, int call, HookrunCallAction action, const HookrunCallTest *tests)
{
  HookrunCallRule rule = {call, action, tests};

  g_array_append_val (rules, rule);
}

static void
add_files (GArray *rules, const HookrunFilterOptions *options)
{
  HookrunCallAction ask = options->has_broker ? ASK : REFUSE;

  add (rules, SYS_fchmod, ask, of_chmod);
  add (rules, SYS_fchmodat, ask, of_fchmodat);
  add (rules, SYS_utimensat, ask, NULL);
#ifdef __x86_64__
  add (rules, SYS_chmod, ask, of_chmod);
  add (rules, SYS_utime, ask, NULL);
  add (rules, SYS_utimes, ask, NULL);
  add (rules, SYS_futimesat, ask, NULL);
#endif
  add (rules, SYS_truncate, options->asks_truncate ? ask : ALLOW, NULL);
}

static void
add_signals (GArray *rules, const HookrunFilterOptions *options)
{
  HookrunCallAction ask = options->has_broker ? ASK : REFUSE;
  HookrunCallAction action = options->asks_signals ? ask : ALLOW;

  add (rules, SYS_kill, action, options->asks_signals ? of_kill : NULL);
  add (rules, SYS_tkill, action, NULL);
  add (rules, SYS_tgkill, action, NULL);
  add (rules, SYS_rt_sigqueueinfo, options->asks_signals ? REFUSE : ALLOW, NULL);
  add (rules, SYS_rt_tgsigqueueinfo, options->asks_signals ? REFUSE : ALLOW, NULL);
  add (rules, SYS_pidfd_send_signal, options->asks_signals ? REFUSE : ALLOW, NULL);
}

/* @action for whoever does not give the secret, from the argument @first on. */
static void
test_secret (const HookrunFilterOptions *options, guint first, HookrunCallAction action,
             HookrunCallTest *tests)
{
  const HookrunCallTest end = {HOOKRUN_TEST_END};

  for (guint i = 0; i < G_N_ELEMENTS (options->secret); i++)
    tests[i] = (HookrunCallTest){HOOKRUN_TEST_NOT_EQUAL, first + i, options->secret[i], action, 0};
  tests[G_N_ELEMENTS (options->secret)] = end;
}

/* setsid takes no arguments: the kernel passes what is in their place to the filter and no further.
 * The child that makes the session shares the host's memory and knows the secret; the program that
 * it becomes does not. */
static void
add_group (GArray *rules, const HookrunFilterOptions *options, HookrunCallTest *tests)
{
  if (!options->keeps_group) {
    add (rules, SYS_setsid, ALLOW, NULL);
    add (rules, SYS_setpgid, ALLOW, NULL);
    return;
  }
  test_secret (options, 0, REFUSE, tests);
  add (rules, SYS_setsid, ALLOW, tests);
}

/* clone3 hides its flags from filters: it is there for launches, which give the secret where the
 * kernel takes no more arguments, and for nobody else. */
static void
add_children (GArray *rules, const HookrunFilterOptions *options, HookrunCallTest *tests)
{
  test_secret (options, 2, HOOKRUN_CALL_ABSENT, tests);
  add (rules, SYS_clone3, ALLOW, tests);
}

static const HookrunCallTest *
choose_sockets (const HookrunFilterOptions *options)
{
  if (options->has_udp)
    return options->has_unix ? ip_unix_socket : ip_socket;
  if (options->has_tcp)
    return options->has_unix ? tcp_unix_socket : tcp_socket;
  return options->has_unix ? unix_socket : no_socket;
}

static void
add_sockets (GArray *rules, const HookrunFilterOptions *options)
{
  gboolean has_any = options->has_tcp || options->has_udp || options->has_unix;
  gboolean may_listen = options->has_bind || options->has_udp;

  add (rules, SYS_socket, REFUSE, choose_sockets (options));
  add (rules, SYS_connect, has_any ? ALLOW : REFUSE, NULL);
  add (rules, SYS_bind, may_listen ? ALLOW : REFUSE, NULL);
  add (rules, SYS_listen, may_listen ? ALLOW : REFUSE, NULL);
  add (rules, SYS_accept, ALLOW, NULL);
  add (rules, SYS_accept4, ALLOW, NULL);
}

static int
compare_rules (gconstpointer one, gconstpointer other)
{
  return ((const HookrunCallRule *)one)->call - ((const HookrunCallRule *)other)->call;
}

GArray *
hookrun_filter_rules (const HookrunFilterOptions *options, HookrunFilterTests *tests)
{
  GArray *rules = g_array_new (FALSE, FALSE, sizeof (HookrunCallRule));

  hookrun_filter_add_calls (rules);
  add_files (rules, options);
  add_signals (rules, options);
  add_group (rules, options, tests->session);
  add_children (rules, options, tests->child);
  add_sockets (rules, options);
  g_array_sort (rules, compare_rules);
  return rules;
}
