/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is believed to be in the watched folders: one node of 32 bytes a file or folder, linked to
 * its parent and siblings, found by (parent, name). No node holds a path, so a folder that is
 * renamed is one node that changes. Not safe for threads: the caller locks.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define HOOKRUN_NODE_NONE 0

typedef enum {
  HOOKRUN_NODE_ROOT = 1 << 0,    /* @name is the number of the root */
  HOOKRUN_NODE_PENDING = 1 << 1, /* a folder to be watched as soon as it is found */
  HOOKRUN_NODE_DENIED = 1 << 2,  /* a folder that may not be read */
  HOOKRUN_NODE_ALIAS = 1 << 3,   /* a folder that is watched under another name, too */
  HOOKRUN_NODE_SEEN = 1 << 4,    /* found by the listing under way */
  HOOKRUN_NODE_FREE = 1 << 5,    /* not in use */
  HOOKRUN_NODE_LATER = 1 << 6,   /* to be looked at once nothing happens any more */
} HookrunNodeFlags;

typedef struct {
  guint32 parent;
  guint32 name; /* place in the names, in words of 8 bytes */
  guint32 next; /* sibling; of a free node the next free one */
  guint32 previous;
  union {
    guint32 child; /* of a folder: the first in it */
    guint32 inode; /* of a file: low bits of its number, 0: not known */
  };
  union {
    gint32 watch;  /* of a folder: 0: none */
    guint32 batch; /* of a file: the batch in which its change was told */
    guint32 stamp; /* of a file that is polled: a hash of what stat told */
  };
  guint32 hash;
  guint8 type; /* DT_DIR and so on */
  guint8 flags;
  guint8 spare[2];
} HookrunNode;

G_STATIC_ASSERT (sizeof (HookrunNode) == 32);

typedef struct {
  HookrunNode *nodes;
  guint32 n_nodes; /* used and free ones; the first is never used */
  guint32 max_nodes;
  guint32 free_node;
  guint32 *slots;
  guint32 n_slots; /* a power of two */
  guint32 n_used;
  guint64 *names;
  guint32 n_names; /* words */
  guint32 max_names;
  guint32 free_names[33];
  guint64 seed;
  guint moves; /* counts what makes remembered paths wrong */
} HookrunNodeTable;

void hookrun_node_table_init (HookrunNodeTable *self);
void hookrun_node_table_clear (HookrunNodeTable *self);

static inline HookrunNode *
hookrun_node_table_get (HookrunNodeTable *self, guint32 node)
{
  return &self->nodes[node];
}

guint32 hookrun_node_table_add_root (HookrunNodeTable *self, guint32 number);
/* The caller knows that there is no such node. @length: 1 to 255 */
guint32 hookrun_node_table_add (HookrunNodeTable *self, guint32 parent, const char *name,
                                gsize length, guint8 type);
guint32 hookrun_node_table_find (HookrunNodeTable *self, guint32 parent, const char *name,
                                 gsize length);
/* Removes a node without children. */
void hookrun_node_table_remove (HookrunNodeTable *self, guint32 node);
void hookrun_node_table_move (HookrunNodeTable *self, guint32 node, guint32 parent,
                              const char *name, gsize length);
/* Gives two nodes each other's place. */
void hookrun_node_table_exchange (HookrunNodeTable *self, guint32 one, guint32 other);

/* Not ended by NUL; valid until a name is added. */
const char *hookrun_node_table_name (HookrunNodeTable *self, guint32 node, gsize *length);
guint32 hookrun_node_table_root (HookrunNodeTable *self, guint32 node);
/* Whether @node is @folder or below it. */
gboolean hookrun_node_table_is_within (HookrunNodeTable *self, guint32 node, guint32 folder);
/* Sets @path to the path of @node below its root, empty for a root. */
void hookrun_node_table_path (HookrunNodeTable *self, guint32 node, GString *path);
/* The next node of the subtree of @top in an order that has children before their folder, from
 * HOOKRUN_NODE_NONE on; @top is the last. The node before may have been removed if @after was
 * asked for ahead. */
guint32 hookrun_node_table_deepest (HookrunNodeTable *self, guint32 node);

static inline gboolean
hookrun_node_is_folder (const HookrunNode *node)
{
  return node->type == 4; /* DT_DIR */
}

G_END_DECLS
