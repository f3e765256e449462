/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An array from watch to node in pages. The kernel counts watches upwards and hardly ever uses a
 * number again, so pages without any watch are given back.
 */
#include "hookrun-watch-map-private.h"

#include <string.h>

#define PAGE 1024u

void
hookrun_watch_map_clear (HookrunWatchMap *self)
{
  for (gsize i = 0; i < self->n_pages; i++)
    g_free (self->pages[i].nodes);
  g_free (self->pages);
  memset (self, 0, sizeof *self);
}

guint32
hookrun_watch_map_get (HookrunWatchMap *self, int watch)
{
  gsize page = (guint)watch / PAGE;

  if (watch < 0 || page >= self->n_pages || self->pages[page].nodes == NULL)
    return 0;
  return self->pages[page].nodes[(guint)watch % PAGE];
}

static void
reach (HookrunWatchMap *self, gsize page)
{
  gsize n_pages;

  if (page < self->n_pages)
    return;
  n_pages = MAX (page + 1, self->n_pages + self->n_pages / 2);
  self->pages = g_renew (HookrunWatchPage, self->pages, n_pages);
  memset (self->pages + self->n_pages, 0, (n_pages - self->n_pages) * sizeof *self->pages);
  self->n_pages = n_pages;
}

void
hookrun_watch_map_set (HookrunWatchMap *self, int watch, guint32 node)
{
  gsize number = (guint)watch / PAGE;
  guint32 before = hookrun_watch_map_get (self, watch);
  HookrunWatchPage *page;

  if (watch < 0 || before == node)
    return;
  reach (self, number);
  page = &self->pages[number];
  if (page->nodes == NULL)
    page->nodes = g_new0 (guint32, PAGE);
  page->nodes[(guint)watch % PAGE] = node;
  if (before == 0) {
    page->n_used++;
    self->n_watches++;
  }
  if (node == 0) {
    self->n_watches--;
    if (--page->n_used == 0)
      g_clear_pointer (&page->nodes, g_free);
  }
}
