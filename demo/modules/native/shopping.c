/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shopping list in C: a shared object that exports one table. */
#include <hookrun.h>
#include <stdio.h>

static const char *const essentials[] = {"Eggs", "Milk", "Carrots", "Marmite", "Hackle-lo leaves"};

static FILE *
open_list (const HookrunNativeCall *call, const char *mode)
{
  char path[4096];

  snprintf (path, sizeof path, "%s/shopping.txt", call->root);
  return fopen (path, mode);
}

static int
do_update (const HookrunNativeCall *call)
{
  return 0;
}

static int
do_list (const HookrunNativeCall *call)
{
  FILE *file = open_list (call, "r");
  int c;

  while (file != NULL && (c = getc (file)) != EOF)
    putchar (c);
  if (file != NULL)
    fclose (file);
  for (size_t i = 0; i < sizeof essentials / sizeof essentials[0]; i++)
    puts (essentials[i]);
  return 0;
}

static int
do_add (const HookrunNativeCall *call)
{
  FILE *file = open_list (call, "a");

  if (file == NULL) {
    perror ("shopping.txt");
    return 1;
  }
  fprintf (file, "%s\n", call->values[0]);
  return fclose (file) == 0 ? 0 : 1;
}

static const HookrunNativeOption add_options[] = {{"item", "item to add to the list"}};

static const HookrunNativeOperation operations[] = {
    {"add", "Add to list", add_options, 1, 0, do_add},
    {"list", "Displays shopping list", NULL, 0, 0, do_list},
    {"update", "", NULL, 0, 0, do_update},
};

HOOKRUN_NATIVE_MODULE_DEFINE ("0", "Shopping list module", operations);
