/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The code of a native plugin, mapped into this process. */
#pragma once

#include "hookrun-loader-private.h"
#include "hookrun-trust-private.h"

G_BEGIN_DECLS

/* What is known from one load to the next of a transaction. */
typedef struct {
  HookrunTrustedFolder folder;
  unsigned long long n_mapped; /* objects that were mapped so far; 0: not counted yet */
} HookrunNativeSession;

#define HOOKRUN_NATIVE_SESSION_INIT                                                                \
  {                                                                                                \
    .folder = HOOKRUN_TRUSTED_FOLDER_INIT                                                          \
  }

void hookrun_native_session_clear (HookrunNativeSession *self);

typedef struct {
  gatomicrefcount ref_count;
  gpointer handle; /* of dlopen; NULL: linked statically */
  int copy_fd;     /* of the copy that is mapped; -1: the file itself is */
  const HookrunPluginDescriptor *descriptor;
} HookrunNativeModule;

/* Checks and maps @path; @trusted is where its folder may be known from. With @as_copy a copy under
 * a name of its own is mapped, so that the code is new even where an older file of that path is
 * mapped. A file that is cut off is refused; of one that @is_installed, only if its size shows it.
 */
HookrunNativeModule *hookrun_native_module_open (const char *path, gboolean as_copy,
                                                 gboolean is_installed,
                                                 HookrunNativeSession *session, GError **error);
/* Maps @path as it is: somebody else has checked the way to it. */
HookrunNativeModule *hookrun_native_module_open_unchecked (const char *path, GError **error);
HookrunNativeModule *hookrun_native_module_new_static (const HookrunPluginDescriptor *descriptor);
HookrunNativeModule *hookrun_native_module_ref (HookrunNativeModule *self);
/* The last one unmaps the code if its descriptor allows. */
void hookrun_native_module_unref (HookrunNativeModule *self);

/* Only the checks of @path that need no code. */
gboolean hookrun_native_module_check (const char *path, HookrunNativeSession *session,
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunNativeModule, hookrun_native_module_unref)

G_END_DECLS
