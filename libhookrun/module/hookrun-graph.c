/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Depth-first post-order with an explicit stack (R. Tarjan's topological sort, 1976). */
#include "hookrun-graph-private.h"

typedef enum { NEW, OPEN, DONE } State;

typedef struct {
  guint node;
  guint next; /* the edge to follow next */
} Frame;

typedef struct {
  const GPtrArray *edges;
  GArray *order;
  GArray *stack;
  guint8 *states;
  HookrunGraphCycle cycle;
  gpointer user_data;
} Walk;

static void
push (Walk *self, guint node)
{
  Frame frame = {node, 0};

  self->states[node] = OPEN;
  g_array_append_val (self->stack, frame);
}

/* An edge leads from the top of the stack to @node, which is on the stack too. */
static void
tell_cycle (Walk *self, guint node)
{
  g_autoptr (GArray) path = g_array_new (FALSE, FALSE, sizeof (guint));
  guint start = self->stack->len;

  if (self->cycle == NULL)
    return;
  do {
    start--;
  } while (g_array_index (self->stack, Frame, start).node != node);
  for (guint i = start; i < self->stack->len; i++)
    g_array_append_val (path, g_array_index (self->stack, Frame, i).node);
  self->cycle (&g_array_index (path, guint, 0), path->len, self->user_data);
}

static void
step (Walk *self)
{
  Frame *top = &g_array_index (self->stack, Frame, self->stack->len - 1);
  const GArray *edges = g_ptr_array_index (self->edges, top->node);
  guint next;

  if (edges == NULL || top->next == edges->len) {
    self->states[top->node] = DONE;
    g_array_append_val (self->order, top->node);
    g_array_set_size (self->stack, self->stack->len - 1);
    return;
  }
  next = g_array_index (edges, guint, top->next);
  top->next++;
  if (self->states[next] == OPEN)
    tell_cycle (self, next);
  else if (self->states[next] == NEW)
    push (self, next);
}

GArray *
hookrun_graph_order (const GPtrArray *edges, const guint *roots, guint n_roots,
                     HookrunGraphCycle cycle, gpointer user_data)
{
  g_autofree guint8 *states = g_new0 (guint8, edges->len + 1);
  g_autoptr (GArray) stack = g_array_new (FALSE, FALSE, sizeof (Frame));
  Walk self = {edges, g_array_new (FALSE, FALSE, sizeof (guint)), stack, states, cycle, user_data};

  for (guint i = 0; i < n_roots; i++) {
    if (states[roots[i]] == NEW)
      push (&self, roots[i]);
    while (stack->len > 0)
      step (&self);
  }
  return self.order;
}
