/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a filter says about a call, found by running the filter's own program: no second table can
 * disagree with it. */
#include "hookrun-filter-private.h"

#include <linux/seccomp.h>
#include <string.h>

typedef struct {
  guint32 accumulator;
  guint next;
} Machine;

static gboolean
jump_holds (const struct sock_filter *instruction, guint32 value)
{
  switch (BPF_OP (instruction->code)) {
  case BPF_JEQ:
    return value == instruction->k;
  case BPF_JGE:
    return value >= instruction->k;
  case BPF_JGT:
    return value > instruction->k;
  default:
    return (value & instruction->k) != 0;
  }
}

static void
step (Machine *machine, const struct sock_filter *instruction, const struct seccomp_data *data)
{
  switch (BPF_CLASS (instruction->code)) {
  case BPF_LD:
    memcpy (&machine->accumulator, (const char *)data + instruction->k, sizeof (guint32));
    break;
  case BPF_ALU: /* AND is the only one that the assembler writes */
    machine->accumulator &= instruction->k;
    break;
  case BPF_JMP:
    if (BPF_OP (instruction->code) == BPF_JA)
      machine->next += instruction->k;
    else
      machine->next +=
          jump_holds (instruction, machine->accumulator) ? instruction->jt : instruction->jf;
    break;
  default:
    g_assert_not_reached ();
  }
}

guint32
hookrun_filter_run (const GArray *program, int call, const guint64 args[6])
{
  struct seccomp_data data = {.nr = call, .arch = hookrun_native_arch};
  Machine machine = {0, 0};

  for (guint i = 0; i < G_N_ELEMENTS (data.args); i++)
    data.args[i] = args[i];
  while (machine.next < program->len) {
    const struct sock_filter *instruction =
        &g_array_index (program, struct sock_filter, machine.next);

    machine.next++;
    if (BPF_CLASS (instruction->code) == BPF_RET)
      return instruction->k;
    step (&machine, instruction, &data);
  }
  return SECCOMP_RET_KILL_PROCESS;
}
