/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a module in C and checks its table before anything in it is used. */
#include "native-host-private.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define SYMBOL "hookrun_native_module"
#define MAX_OPERATIONS 256

void
buffer_add (Buffer *self, const char *text)
{
  size_t length = strlen (text);

  if (self->is_full || length >= self->size - self->length) {
    self->is_full = 1;
    return;
  }
  memcpy (self->text + self->length, text, length + 1);
  self->length += length;
}

static void
add_byte (Buffer *self, char c)
{
  if (self->size - self->length < 2) {
    self->is_full = 1;
    return;
  }
  self->text[self->length++] = c;
  self->text[self->length] = '\0';
}

void
buffer_add_json (Buffer *self, const char *text)
{
  char piece[8];

  add_byte (self, '"');
  for (; text != NULL && *text != '\0' && !self->is_full; text++) {
    unsigned char c = (unsigned char)*text;

    if (c < 0x20 || c == 0x7f) {
      snprintf (piece, sizeof piece, "\\u%04x", c);
      buffer_add (self, piece);
      continue;
    }
    if (c == '"' || c == '\\')
      add_byte (self, '\\');
    add_byte (self, *text);
  }
  add_byte (self, '"');
}

static const char *
find_fault (const HookrunNativeModule *module)
{
  if (module->size < sizeof *module)
    return "its table is too small";
  if (module->abi != HOOKRUN_NATIVE_ABI)
    return "it was built for another version of hookrun; build it again";
  if (module->operation_size < sizeof (HookrunNativeOperation))
    return "its operations are too small";
  if (module->operations == NULL || module->n_operations == 0)
    return "it has no operations";
  if (module->n_operations > MAX_OPERATIONS)
    return "it has too many operations";
  return NULL;
}

const HookrunNativeModule *
module_open (const char *file, volatile char *stage, Buffer *problem)
{
  const HookrunNativeModule *module;
  const char *fault;
  void *handle;

  *stage = STAGE_OPENING;
  handle = dlopen (file, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    const char *reason = dlerror ();

    buffer_add (problem, reason != NULL ? reason : "it cannot be opened");
    return NULL;
  }
  *stage = STAGE_CHECKING;
  module = dlsym (handle, SYMBOL);
  fault = module != NULL ? find_fault (module) : "it does not export \"" SYMBOL "\"";
  if (fault == NULL)
    return module;
  buffer_add (problem, fault);
  return NULL;
}

const HookrunNativeOperation *
module_operation (const HookrunNativeModule *module, guint32 index)
{
  const char *first = (const char *)module->operations;

  return (const HookrunNativeOperation *)(const void *)(first +
                                                        (size_t)index * module->operation_size);
}
