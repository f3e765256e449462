/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module file in C exports: one constant table. Modules include this for its types and link
 * to nothing: they are opened by a small confined program, never by a program that uses the
 * library.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <glib.h>

G_BEGIN_DECLS

/**
 * HOOKRUN_NATIVE_ABI:
 *
 * The number that a module in C is built with; the confined host checks it before anything else.
 *
 * Since: 1.0
 */
#define HOOKRUN_NATIVE_ABI 1

/**
 * HookrunNativeCall: (skip)
 * @size: size of this structure in the host
 * @root: the folder that the module keeps its files in
 * @cache: a folder that is kept, but not promised
 * @temp: a folder that is gone afterwards
 * @version: the installed version of the module
 * @values: a text for each option of the operation, in their order; %NULL where it was not given
 * @words: what was given beyond that, ended by %NULL
 * @create_file: gives the path of a staged file to write in the place of `path`, in `staged`, which
 *   has `size` bytes; 0, or -1 after saying why on standard error
 * @execute: runs a program of the sandbox, no shell, and gives its exit status, 128 and the signal
 *   that killed it, or 127 when it cannot be started
 *
 * One call of an operation, as the function of a module in C sees it.
 *
 * Since: 1.0
 */
typedef struct _HookrunNativeCall HookrunNativeCall;

struct _HookrunNativeCall {
  guint32 size;
  const char *root;
  const char *cache;
  const char *temp;
  const char *version;
  const char *const *values;
  const char *const *words;
  int (*create_file) (const HookrunNativeCall *call, const char *path, char *staged, gsize size);
  int (*execute) (const HookrunNativeCall *call, const char *const *argv);
};

/**
 * HookrunNativeOption: (skip)
 * @name: the option's name; with leading dashes it need not be given
 * @description: what it is for
 *
 * One option of an operation of a module in C.
 *
 * Since: 1.0
 */
typedef struct {
  const char *name;
  const char *description;
} HookrunNativeOption;

/**
 * HookrunNativeOperation: (skip)
 * @name: the operation's name
 * @description: what it does
 * @options: (nullable): its options
 * @n_options: how many there are
 * @takes_words: whether it takes words beyond its options: 0 or 1
 * @run: does it; gives 0, or an exit status below 126 after saying why on standard error
 *
 * One operation of a module in C.
 *
 * Since: 1.0
 */
typedef struct {
  const char *name;
  const char *description;
  const HookrunNativeOption *options;
  guint32 n_options;
  guint32 takes_words;
  int (*run) (const HookrunNativeCall *call);
} HookrunNativeOperation;

/**
 * HookrunNativeModule: (skip)
 * @size: size of this structure as the module was built
 * @abi: %HOOKRUN_NATIVE_ABI as the module was built
 * @operation_size: size of #HookrunNativeOperation as the module was built
 * @n_operations: how many operations there are
 * @version: the module's version
 * @description: what the module is for
 * @operations: its operations
 * @reserved: zero
 *
 * The one thing that a module in C exports, as the const symbol `hookrun_native_module`. Use
 * %HOOKRUN_NATIVE_MODULE_DEFINE.
 *
 * Since: 1.0
 */
typedef struct {
  guint32 size;
  guint32 abi;
  guint32 operation_size;
  guint32 n_operations;
  const char *version;
  const char *description;
  const HookrunNativeOperation *operations;
  gpointer reserved[5];
} HookrunNativeModule;

/**
 * HOOKRUN_NATIVE_MODULE_DEFINE:
 * @version_: the module's version
 * @description_: what the module is for
 * @operations_: a constant array of #HookrunNativeOperation
 *
 * Defines and exports the table of a module in C.
 *
 * Since: 1.0
 */
#define HOOKRUN_NATIVE_MODULE_DEFINE(version_, description_, operations_)                          \
  extern __attribute__ ((visibility ("default"))) const HookrunNativeModule hookrun_native_module; \
  const HookrunNativeModule hookrun_native_module = {                                              \
      .size = (guint32)sizeof (HookrunNativeModule),                                               \
      .abi = HOOKRUN_NATIVE_ABI,                                                                   \
      .operation_size = (guint32)sizeof (HookrunNativeOperation),                                  \
      .n_operations = (guint32)G_N_ELEMENTS (operations_),                                         \
      .version = (version_),                                                                       \
      .description = (description_),                                                               \
      .operations = (operations_),                                                                 \
  }

G_END_DECLS
