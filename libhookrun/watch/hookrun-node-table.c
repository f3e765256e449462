/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The nodes of the watched folders: an arena, the names in words of 8 bytes with a list of free
 * places for each length, and a hash by (parent, name) with open addressing that moves entries back
 * when one is removed, so that it never fills with the dead.
 */
#include "hookrun-node-table-private.h"

#include <string.h>

#define FIRST_SLOTS 64u
#define MULTIPLIER 0x9e3779b97f4a7c15ull

void
hookrun_node_table_init (HookrunNodeTable *self)
{
  memset (self, 0, sizeof *self);
  self->n_slots = FIRST_SLOTS;
  self->slots = g_new0 (guint32, self->n_slots);
  self->max_nodes = FIRST_SLOTS;
  self->nodes = g_new0 (HookrunNode, self->max_nodes);
  self->n_nodes = 1;
  self->max_names = FIRST_SLOTS;
  self->names = g_new (guint64, self->max_names);
  self->n_names = 1;
  self->seed = (guint64)g_random_int () << 32 | g_random_int ();
}

void
hookrun_node_table_clear (HookrunNodeTable *self)
{
  g_clear_pointer (&self->slots, g_free);
  g_clear_pointer (&self->nodes, g_free);
  g_clear_pointer (&self->names, g_free);
}

/* Names are other people's, so the hash depends on a random number. */
static guint32
hash_name (HookrunNodeTable *self, guint32 parent, const char *name, gsize length)
{
  guint64 hash = (self->seed ^ parent) * MULTIPLIER;
  guint64 word;

  for (; length >= sizeof word; name += sizeof word, length -= sizeof word) {
    memcpy (&word, name, sizeof word);
    hash = (hash ^ word) * MULTIPLIER;
    hash ^= hash >> 32;
  }
  word = length;
  for (gsize i = 0; i < length; i++)
    word = word << 8 | (guint8)name[i];
  hash = (hash ^ word) * MULTIPLIER;
  hash ^= hash >> 29;
  hash *= MULTIPLIER;
  return (guint32)(hash >> 32);
}

/* ---- names ---- */

static guint32
words_for (gsize length)
{
  return (guint32)(length + 1 + 7) / 8;
}

static guint32
take_words (HookrunNodeTable *self, guint32 n_words)
{
  guint32 place = self->free_names[n_words];

  if (place != 0) {
    self->free_names[n_words] = (guint32)self->names[place];
    return place;
  }
  if (self->n_names + n_words > self->max_names) {
    self->max_names += MAX (self->max_names / 2, n_words);
    self->names = g_renew (guint64, self->names, self->max_names);
  }
  place = self->n_names;
  self->n_names += n_words;
  return place;
}

static guint32
add_name (HookrunNodeTable *self, const char *name, gsize length)
{
  guint32 place = take_words (self, words_for (length));
  guint8 *bytes = (guint8 *)&self->names[place];

  bytes[0] = (guint8)length;
  memcpy (bytes + 1, name, length);
  return place;
}

static void
remove_name (HookrunNodeTable *self, guint32 place)
{
  const guint8 *bytes = (const guint8 *)&self->names[place];
  guint32 n_words = words_for (bytes[0]);

  self->names[place] = self->free_names[n_words];
  self->free_names[n_words] = place;
}

const char *
hookrun_node_table_name (HookrunNodeTable *self, guint32 node, gsize *length)
{
  const guint8 *bytes = (const guint8 *)&self->names[self->nodes[node].name];

  if (self->nodes[node].flags & HOOKRUN_NODE_ROOT) {
    *length = 0;
    return "";
  }
  *length = bytes[0];
  return (const char *)bytes + 1;
}

/* ---- the hash ---- */

static void
put_slot (HookrunNodeTable *self, guint32 node)
{
  guint32 mask = self->n_slots - 1;
  guint32 slot = self->nodes[node].hash & mask;

  while (self->slots[slot] != HOOKRUN_NODE_NONE)
    slot = (slot + 1) & mask;
  self->slots[slot] = node;
}

static void
grow_slots (HookrunNodeTable *self)
{
  g_autofree guint32 *old = self->slots;
  guint32 n_old = self->n_slots;

  self->n_slots *= 2;
  self->slots = g_new0 (guint32, self->n_slots);
  for (guint32 i = 0; i < n_old; i++)
    if (old[i] != HOOKRUN_NODE_NONE)
      put_slot (self, old[i]);
}

static void
add_slot (HookrunNodeTable *self, guint32 node)
{
  if ((guint64)(self->n_used + 1) * 4 > (guint64)self->n_slots * 3)
    grow_slots (self);
  put_slot (self, node);
  self->n_used++;
}

/* Closes the gap: entries behind it that would not be found any more move into it. */
static void
remove_slot (HookrunNodeTable *self, guint32 node)
{
  guint32 mask = self->n_slots - 1;
  guint32 gap = self->nodes[node].hash & mask;

  while (self->slots[gap] != node)
    gap = (gap + 1) & mask;
  for (guint32 slot = (gap + 1) & mask; self->slots[slot] != 0; slot = (slot + 1) & mask) {
    guint32 home = self->nodes[self->slots[slot]].hash & mask;

    if (((slot - home) & mask) < ((slot - gap) & mask))
      continue;
    self->slots[gap] = self->slots[slot];
    gap = slot;
  }
  self->slots[gap] = HOOKRUN_NODE_NONE;
  self->n_used--;
}

guint32
hookrun_node_table_find (HookrunNodeTable *self, guint32 parent, const char *name, gsize length)
{
  guint32 hash = hash_name (self, parent, name, length);
  guint32 mask = self->n_slots - 1;

  for (guint32 slot = hash & mask; self->slots[slot] != 0; slot = (slot + 1) & mask) {
    const HookrunNode *node = &self->nodes[self->slots[slot]];
    const guint8 *bytes = (const guint8 *)&self->names[node->name];

    if (node->hash == hash && node->parent == parent && bytes[0] == length &&
        memcmp (bytes + 1, name, length) == 0)
      return self->slots[slot];
  }
  return HOOKRUN_NODE_NONE;
}

/* ---- the arena ---- */

static guint32
take_node (HookrunNodeTable *self)
{
  guint32 node = self->free_node;

  if (node != HOOKRUN_NODE_NONE) {
    self->free_node = self->nodes[node].next;
  } else {
    if (self->n_nodes == self->max_nodes) {
      self->max_nodes += self->max_nodes / 2;
      self->nodes = g_renew (HookrunNode, self->nodes, self->max_nodes);
    }
    node = self->n_nodes++;
  }
  memset (&self->nodes[node], 0, sizeof (HookrunNode));
  return node;
}

static void
link_node (HookrunNodeTable *self, guint32 node, guint32 parent, const char *name, gsize length)
{
  HookrunNode *own = &self->nodes[node];
  guint32 first = self->nodes[parent].child;

  own->parent = parent;
  own->name = add_name (self, name, length);
  own->hash = hash_name (self, parent, name, length);
  own->next = first;
  own->previous = HOOKRUN_NODE_NONE;
  if (first != HOOKRUN_NODE_NONE)
    self->nodes[first].previous = node;
  self->nodes[parent].child = node;
  add_slot (self, node);
}

static void
unlink_node (HookrunNodeTable *self, guint32 node)
{
  HookrunNode *own = &self->nodes[node];

  remove_slot (self, node);
  if (own->previous != HOOKRUN_NODE_NONE)
    self->nodes[own->previous].next = own->next;
  else
    self->nodes[own->parent].child = own->next;
  if (own->next != HOOKRUN_NODE_NONE)
    self->nodes[own->next].previous = own->previous;
  remove_name (self, own->name);
}

guint32
hookrun_node_table_add_root (HookrunNodeTable *self, guint32 number)
{
  guint32 node = take_node (self);

  self->nodes[node].name = number;
  self->nodes[node].type = 4;
  self->nodes[node].flags = HOOKRUN_NODE_ROOT;
  return node;
}

guint32
hookrun_node_table_add (HookrunNodeTable *self, guint32 parent, const char *name, gsize length,
                        guint8 type)
{
  guint32 node = take_node (self);

  link_node (self, node, parent, name, length);
  self->nodes[node].type = type;
  return node;
}

void
hookrun_node_table_remove (HookrunNodeTable *self, guint32 node)
{
  HookrunNode *own = &self->nodes[node];

  if (!(own->flags & HOOKRUN_NODE_ROOT))
    unlink_node (self, node);
  if (hookrun_node_is_folder (own))
    self->moves++;
  memset (own, 0, sizeof *own);
  own->flags = HOOKRUN_NODE_FREE;
  own->next = self->free_node;
  self->free_node = node;
}

void
hookrun_node_table_move (HookrunNodeTable *self, guint32 node, guint32 parent, const char *name,
                         gsize length)
{
  unlink_node (self, node);
  link_node (self, node, parent, name, length);
  self->moves++;
}

void
hookrun_node_table_exchange (HookrunNodeTable *self, guint32 one, guint32 other)
{
  guint32 parents[2] = {self->nodes[one].parent, self->nodes[other].parent};
  char names[2][256];
  gsize lengths[2];
  const char *name;

  name = hookrun_node_table_name (self, one, &lengths[0]);
  memcpy (names[0], name, lengths[0]);
  name = hookrun_node_table_name (self, other, &lengths[1]);
  memcpy (names[1], name, lengths[1]);
  unlink_node (self, one);
  unlink_node (self, other);
  link_node (self, one, parents[1], names[1], lengths[1]);
  link_node (self, other, parents[0], names[0], lengths[0]);
  self->moves++;
}

/* ---- ways through the tree ---- */

guint32
hookrun_node_table_root (HookrunNodeTable *self, guint32 node)
{
  while (!(self->nodes[node].flags & HOOKRUN_NODE_ROOT))
    node = self->nodes[node].parent;
  return node;
}

gboolean
hookrun_node_table_is_within (HookrunNodeTable *self, guint32 node, guint32 folder)
{
  while (node != folder && !(self->nodes[node].flags & HOOKRUN_NODE_ROOT))
    node = self->nodes[node].parent;
  return node == folder;
}

void
hookrun_node_table_path (HookrunNodeTable *self, guint32 node, GString *path)
{
  gsize total = 0;
  gsize length;
  char *end;

  for (guint32 i = node; !(self->nodes[i].flags & HOOKRUN_NODE_ROOT); i = self->nodes[i].parent) {
    hookrun_node_table_name (self, i, &length);
    total += length + 1;
  }
  if (total > 0)
    total--;
  g_string_set_size (path, total);
  end = path->str + total;
  for (guint32 i = node; !(self->nodes[i].flags & HOOKRUN_NODE_ROOT); i = self->nodes[i].parent) {
    const char *name = hookrun_node_table_name (self, i, &length);

    end -= length;
    memcpy (end, name, length);
    if (end > path->str)
      *--end = '/';
  }
}

guint32
hookrun_node_table_deepest (HookrunNodeTable *self, guint32 node)
{
  while (hookrun_node_is_folder (&self->nodes[node]) &&
         self->nodes[node].child != HOOKRUN_NODE_NONE)
    node = self->nodes[node].child;
  return node;
}
