/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Assembles the system call filter. Neighbouring calls with the same fate are one range, and ranges
 * are found by halving: the kernel, which runs a new filter once for every call number it knows and
 * translates it at each launch, has little to do. Rules about ranges ("all calls that are younger
 * than this table") are why this is not a list of rules for libseccomp.
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

typedef struct {
  guint32 first;
  HookrunCallAction action;
  const HookrunCallTest *tests;
} Range;

static const guint32 verdicts[] = {
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

static void
emit_verdict (GArray *program, HookrunCallAction action)
{
  emit (program, BPF_RET | BPF_K, 0, 0, verdicts[action]);
}

/* Instructions that a test takes. */
static guint
test_length (const HookrunCallTest *test)
{
  return 2u + (test->kind == HOOKRUN_TEST_MASKED_EQUAL ? 1u : 0u) +
         (test->action != HOOKRUN_CALL_AND ? 1u : 0u);
}

/* How far to jump when @test does not hold: over its verdict, or over all that must hold with it.
 */
static guint8
length_of_miss (const HookrunCallTest *test)
{
  guint length = 0;

  if (test->action != HOOKRUN_CALL_AND)
    return 1;
  do {
    test++;
    length += test_length (test);
  } while (test->action == HOOKRUN_CALL_AND);
  g_assert (length <= G_MAXUINT8);
  return (guint8)length;
}

static void
emit_test (GArray *program, const HookrunCallTest *test)
{
  guint32 offset = (guint32)(offsetof (struct seccomp_data, args) + 8 * test->argument + LOW_HALF);
  gboolean is_inverse = test->kind == HOOKRUN_TEST_NOT_EQUAL || test->kind == HOOKRUN_TEST_NO_BIT;
  gboolean is_bits = test->kind == HOOKRUN_TEST_ANY_BIT || test->kind == HOOKRUN_TEST_NO_BIT;
  guint16 jump = BPF_JMP | BPF_K | (is_bits ? BPF_JSET : BPF_JEQ);
  guint8 miss = length_of_miss (test);

  emit (program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
  if (test->kind == HOOKRUN_TEST_MASKED_EQUAL)
    emit (program, BPF_ALU | BPF_AND | BPF_K, 0, 0, test->mask);
  emit (program, jump, is_inverse ? miss : 0, is_inverse ? 0 : miss, test->value);
  if (test->action != HOOKRUN_CALL_AND)
    emit_verdict (program, test->action);
}

/* The number is in the accumulator until the range is found. */
static void
emit_ranges (GArray *program, const Range *ranges, guint n)
{
  guint half = n / 2;
  guint jump;

  if (n == 1) {
    for (const HookrunCallTest *test = ranges->tests;
         test != NULL && test->kind != HOOKRUN_TEST_END; test++)
      emit_test (program, test);
    emit_verdict (program, ranges->action);
    return;
  }
  emit (program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, ranges[half].first);
  jump = program->len;
  emit (program, BPF_JMP | BPF_JA, 0, 0, 0);
  emit_ranges (program, ranges, half);
  g_array_index (program, struct sock_filter, jump).k = program->len - jump - 1;
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
make_ranges (const HookrunFilterOptions *options)
{
  g_autoptr (GArray) rules = hookrun_filter_rules (options);
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
  g_autoptr (GArray) ranges = make_ranges (options);
  GArray *program = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));

  emit (program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof (struct seccomp_data, arch));
  emit (program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE_ARCH);
  emit_verdict (program, HOOKRUN_CALL_KILL);
  emit (program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof (struct seccomp_data, nr));
  emit_ranges (program, (const Range *)(gpointer)ranges->data, ranges->len);
  g_assert (program->len <= BPF_MAXINSNS);
  return program;
}
