/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Assembles the system call filter. Neighbouring calls with the same fate are one range, and ranges
 * are found by halving with nothing but comparisons of the number: the kernel proves for itself
 * which calls are always allowed, and does not run the filter for those. Rules about ranges ("all
 * calls that are younger than this table") and a program that is ready in a tenth of the time are
 * why it is not made by libseccomp.
 */
#include "hookrun-filter-private.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define FOREIGN_CALLS 0x40000000u /* x32 */
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#else
#error "The system call tables of this architecture are to be reviewed first."
#endif

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif

const guint32 hookrun_native_arch = NATIVE_ARCH;

#define MAX_JUMP G_MAXUINT8
#define N_ACTIONS (HOOKRUN_CALL_AND + 1)

typedef struct {
  guint32 first;
  HookrunCallAction action;
  const HookrunCallTest *tests;
} Range;

static const guint32 verdicts[N_ACTIONS] = {
    [HOOKRUN_CALL_ALLOW] = SECCOMP_RET_ALLOW,
    [HOOKRUN_CALL_REFUSE] = SECCOMP_RET_ERRNO | EPERM,
    [HOOKRUN_CALL_ABSENT] = SECCOMP_RET_ERRNO | ENOSYS,
    [HOOKRUN_CALL_UNSUPPORTED] = SECCOMP_RET_ERRNO | EOPNOTSUPP,
    [HOOKRUN_CALL_ASK] = SECCOMP_RET_USER_NOTIF,
    [HOOKRUN_CALL_KILL] = SECCOMP_RET_KILL_PROCESS,
};

static void
emit (GArray *program, guint16 code, guint8 if_true, guint8 if_false, guint32 value)
{
  struct sock_filter instruction = {code, if_true, if_false, value};

  g_array_append_val (program, instruction);
}

static struct sock_filter *
at (GArray *program, guint index)
{
  return &g_array_index (program, struct sock_filter, index);
}

static void
emit_verdict (GArray *program, HookrunCallAction action)
{
  emit (program, BPF_RET | BPF_K, 0, 0, verdicts[action]);
}

static void
emit_load (GArray *program, guint32 offset)
{
  emit (program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

/* A node of a search by halving: what follows is for numbers below @first, until patch_node. */
static guint
emit_node (GArray *program, guint32 first)
{
  emit (program, BPF_JMP | BPF_JGE | BPF_K, 0, 0, first);
  return program->len - 1;
}

static void
patch_node (GArray *program, guint node)
{
  guint length = program->len - node - 1;
  struct sock_filter far = {BPF_JMP | BPF_JA, 0, 0, length};

  if (length <= MAX_JUMP) {
    at (program, node)->jt = (guint8)length;
    return;
  }
  at (program, node)->jf = 1;
  g_array_insert_val (program, node + 1, far);
}

/* ---- tests of arguments ---- */

static gboolean
is_inverse (const HookrunCallTest *test)
{
  return test->kind == HOOKRUN_TEST_NOT_EQUAL || test->kind == HOOKRUN_TEST_NO_BIT;
}

/* The comparison of @test; where it leads is filled in later. */
static void
emit_comparison (GArray *program, const HookrunCallTest *test)
{
  gboolean is_bits = test->kind == HOOKRUN_TEST_ANY_BIT || test->kind == HOOKRUN_TEST_NO_BIT;

  if (test->kind == HOOKRUN_TEST_MASKED_EQUAL)
    emit (program, BPF_ALU | BPF_AND | BPF_K, 0, 0, test->mask);
  emit (program, BPF_JMP | BPF_K | (is_bits ? BPF_JSET : BPF_JEQ), 0, 0, test->value);
}

static void
set_jump (GArray *program, guint index, gboolean when, guint target)
{
  struct sock_filter *jump = at (program, index);
  guint length = target - index - 1;

  g_assert (length <= MAX_JUMP);
  if (when)
    jump->jt = (guint8)length;
  else
    jump->jf = (guint8)length;
}

/* Where tests jump, by their number in the block; those that must hold together miss together. */
typedef struct {
  guint jump;
  guint miss; /* 0: the next instruction */
  const HookrunCallTest *test;
} Jump;

static void
emit_tests (GArray *program, const HookrunCallTest *tests, GArray *jumps)
{
  guint loaded = G_MAXUINT;
  guint group = jumps->len;

  for (const HookrunCallTest *test = tests; test->kind != HOOKRUN_TEST_END; test++) {
    Jump jump = {0, 0, test};

    if (test->argument != loaded)
      emit_load (program,
                 (guint32)(offsetof (struct seccomp_data, args) + 8 * test->argument + LOW_HALF));
    emit_comparison (program, test);
    jump.jump = program->len - 1;
    g_array_append_val (jumps, jump);
    loaded = test->kind == HOOKRUN_TEST_MASKED_EQUAL ? G_MAXUINT : test->argument;
    if (test->action == HOOKRUN_CALL_AND)
      continue;
    if (jumps->len - group > 1) {
      for (guint i = group; i < jumps->len; i++)
        g_array_index (jumps, Jump, i).miss = program->len;
      loaded = G_MAXUINT;
    }
    group = jumps->len;
  }
}

/* Tests first, then the verdicts that they jump to. */
static void
emit_block (GArray *program, const Range *range)
{
  g_autoptr (GArray) jumps = g_array_new (FALSE, FALSE, sizeof (Jump));
  guint slots[N_ACTIONS] = {0};

  emit_tests (program, range->tests, jumps);
  emit_verdict (program, range->action);
  for (guint i = 0; i < jumps->len; i++) {
    const Jump *jump = &g_array_index (jumps, Jump, i);
    HookrunCallAction action = jump->test->action;

    if (jump->miss != 0)
      set_jump (program, jump->jump, is_inverse (jump->test), jump->miss);
    if (action == HOOKRUN_CALL_AND)
      continue;
    if (slots[action] == 0) {
      slots[action] = program->len;
      emit_verdict (program, action);
    }
    set_jump (program, jump->jump, !is_inverse (jump->test), slots[action]);
  }
}

/* ---- ranges ---- */

static void
emit_ranges (GArray *program, const Range *ranges, guint n)
{
  guint half = n / 2;
  guint node;

  if (n == 1 && ranges->tests != NULL) {
    emit_block (program, ranges);
    return;
  }
  if (n == 1) {
    emit_verdict (program, ranges->action);
    return;
  }
  node = emit_node (program, ranges[half].first);
  emit_ranges (program, ranges, half);
  patch_node (program, node);
  emit_ranges (program, ranges + half, n - half);
}

static void
add_range (GArray *ranges, guint32 first, HookrunCallAction action, const HookrunCallTest *tests)
{
  const Range *last = ranges->len > 0 ? &g_array_index (ranges, Range, ranges->len - 1) : NULL;
  Range range = {first, action, tests};

  if (last == NULL || last->action != action || last->tests != NULL || tests != NULL)
    g_array_append_val (ranges, range);
}

/* Every number, known or not, falls into exactly one range. */
static GArray *
make_ranges (const GArray *rules)
{
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (Range));
  guint32 next = 0;

  for (guint i = 0; i < rules->len; i++) {
    const HookrunCallRule *rule = &g_array_index (rules, HookrunCallRule, i);
    guint32 call = (guint32)rule->call;

    if (call > next)
      add_range (ranges, next, HOOKRUN_CALL_REFUSE, NULL);
    add_range (ranges, call, rule->action, rule->tests);
    next = call + 1;
  }
  if (next <= hookrun_newest_call)
    add_range (ranges, next, HOOKRUN_CALL_REFUSE, NULL);
  add_range (ranges, MAX (next, hookrun_newest_call + 1), HOOKRUN_CALL_ABSENT, NULL);
#ifdef FOREIGN_CALLS
  add_range (ranges, FOREIGN_CALLS, HOOKRUN_CALL_KILL, NULL);
#endif
  return ranges;
}

GArray *
hookrun_filter_build (const HookrunFilterOptions *options)
{
  HookrunFilterTests tests;
  g_autoptr (GArray) rules = hookrun_filter_rules (options, &tests);
  g_autoptr (GArray) ranges = make_ranges (rules);
  GArray *program = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));

  emit_load (program, offsetof (struct seccomp_data, arch));
  emit (program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE_ARCH);
  emit_verdict (program, HOOKRUN_CALL_KILL);
  emit_load (program, offsetof (struct seccomp_data, nr));
  emit_ranges (program, (const Range *)(gpointer)ranges->data, ranges->len);
  g_assert (program->len <= BPF_MAXINSNS);
  return program;
}
