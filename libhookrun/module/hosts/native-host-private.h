/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The confined program that opens modules in C. It is linked to libc only, so that it starts and
 * forks fast: types come from GLib's headers, no function does.
 */
#pragma once

#include "hookrun-module-native.h"

/* What is being done with a module, for the message when it crashes: "o" opening, which runs its
 * constructors; "c" checking its table; "d" describing; "r" running. */
typedef enum {
  STAGE_NONE = '-',
  STAGE_OPENING = 'o',
  STAGE_CHECKING = 'c',
  STAGE_DESCRIBING = 'd',
} Stage;

/* Text that does not grow beyond its room. */
typedef struct {
  char *text;
  size_t size;
  size_t length;
  int is_full;
} Buffer;

void buffer_add (Buffer *self, const char *text);
/* @text as a JSON string; NULL is "". */
void buffer_add_json (Buffer *self, const char *text);

/* Opens @file; NULL with words in @problem when it is no module of ours. @stage tells how far it
 * has come. */
const HookrunNativeModule *module_open (const char *file, volatile char *stage, Buffer *problem);
const HookrunNativeOperation *module_operation (const HookrunNativeModule *module, guint32 index);

/* From here on this process and its children read libraries and @files, each ended by NUL; no other
 * file. Gives 0, or an errno. */
int confine_files (const char *files, size_t length);
/* From here on this process reads, computes and ends; nothing else. Gives 0, or an errno. */
int confine_for_description (void);

/* Describes the modules whose names stand on standard input, each ended by NUL. */
int describe_all (void);

/* argv: FILE OPERATION, then "=VALUE" or "-" for each option, then "--" and words. */
int run_operation (int argc, char **argv);
