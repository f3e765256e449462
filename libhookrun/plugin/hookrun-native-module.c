/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mapping the code of a native plugin. It is dlopen itself that does it, without lazy binding and
 * with local symbols: GModule would call a function of the plugin before its descriptor is checked.
 */
#include "hookrun-native-module-private.h"
#include "hookrun-elf-check-private.h"
#include "hookrun-error-private.h"
#include "hookrun-trust-private.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define SYMBOL "hookrun_plugin"

gboolean
hookrun_descriptor_check (const HookrunPluginDescriptor *descriptor, const char *what,
                          GError **error)
{
  if (descriptor->size != sizeof (HookrunPluginDescriptor) ||
      descriptor->abi != HOOKRUN_PLUGIN_ABI) {
    g_set_error (
        error, HOOKRUN_ERROR, HOOKRUN_ERROR_ABI,
        "%s was built for plugin ABI %u with a descriptor of %u bytes, this library has ABI "
        "%u with %u bytes; rebuild it against this library (%s)",
        what, descriptor->abi, descriptor->size, (guint)HOOKRUN_PLUGIN_ABI,
        (guint)sizeof (HookrunPluginDescriptor), HOOKRUN_VERSION_STRING);
    return FALSE;
  }
  if (descriptor->id != NULL && descriptor->version != NULL && descriptor->activate != NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "the descriptor of %s lacks its id, version or activate function; define it with "
               "HOOKRUN_PLUGIN_DEFINE",
               what);
  return FALSE;
}

/* Nothing of a file that is cut off may be mapped. */
static gboolean
check_contents (int fd, const struct stat *st, const char *path, GError **error)
{
  if (S_ISREG (st->st_mode))
    return hookrun_elf_check_whole (fd, (guint64)st->st_size, path, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is not a regular file", path);
  return FALSE;
}

static gboolean
check_by_reading (const char *path, HookrunNativeSession *session, struct stat *st, GError **error)
{
  int fd = hookrun_trust_open_known (&session->folder, path, O_RDONLY, st, error);
  gboolean ok;

  if (fd < 0)
    return FALSE;
  ok = check_contents (fd, st, path, error);
  close (fd);
  return ok;
}

/* Objects end with a table of words, so their sizes are multiples of a word, and seldom of a block,
 * as those of files are that a full disk or a broken copy cut off. */
static gboolean
has_size_of_an_object (const struct stat *st)
{
  return S_ISREG (st->st_mode) && st->st_size % (off_t)sizeof (gpointer) == 0 &&
         st->st_size % 512 != 0;
}

/* Reading the headers costs a twentieth of a load. What came with a manifest was installed, not
 * copied by hand, and is spared it where nothing speaks against its size. */
static gboolean
check_file (const char *path, gboolean is_installed, HookrunNativeSession *session, struct stat *st,
            GError **error)
{
  if (!is_installed)
    return check_by_reading (path, session, st, error);
  return hookrun_trust_check (&session->folder, path, st, error) &&
         (has_size_of_an_object (st) || check_by_reading (path, session, st, error));
}

gboolean
hookrun_native_module_check (const char *path, HookrunNativeSession *session, GError **error)
{
  struct stat st;

  return check_by_reading (path, session, &st, error);
}

/* ---- copies ---- */

/* Its descriptor stays open as long as the copy is mapped: the dynamic linker knows objects by
 * their names, and this one must not come again. */
static int
make_copy (int fd, const char *path, GError **error)
{
  int copy = memfd_create ("hookrun-plugin", MFD_CLOEXEC);
  gssize n = copy >= 0 ? 1 : -1;

  while (n > 0) {
    n = sendfile (copy, fd, NULL, 1 << 20);
    if (n < 0 && errno == EINTR)
      n = 1;
  }
  if (n == 0)
    return copy;
  hookrun_set_error_from_errno (error, errno, "cannot copy \"%s\" to map it anew", path);
  if (copy >= 0)
    close (copy);
  return -1;
}

/* ---- what is mapped ---- */

static int
read_counter (struct dl_phdr_info *info, size_t size, void *user_data)
{
  *(unsigned long long *)user_data = info->dlpi_adds;
  return 1;
}

static unsigned long long
count_mapped (void)
{
  unsigned long long count = 0;

  dl_iterate_phdr (read_counter, &count);
  return count;
}

/* Whether dlopen surely mapped the object just now: more were mapped than before, and none after it
 * (what it depends on comes after it, and what other threads map meanwhile). */
static gboolean
is_surely_new (gpointer handle, HookrunNativeSession *session)
{
  unsigned long long before = session->n_mapped;

  session->n_mapped = count_mapped ();
  return session->n_mapped != before && ((const struct link_map *)handle)->l_next == NULL;
}

/* Takes the path out of a line of /proc/self/maps if @address lies in its range. */
static const char *
path_of_mapping (const char *line, guintptr address)
{
  char *end = NULL;
  guint64 first = g_ascii_strtoull (line, &end, 16);
  guint64 behind = *end == '-' ? g_ascii_strtoull (end + 1, NULL, 16) : 0;

  if (address < first || address >= behind)
    return NULL;
  return strchr (line, '/');
}

/* Whether the object that has @symbol was mapped from another file than @path is now: the dynamic
 * linker gives an object that it has under this name without a look at the disk. */
static gboolean
is_outdated (gconstpointer symbol, const char *path)
{
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;
  char real[PATH_MAX];

  if (realpath (path, real) == NULL || !g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL))
    return FALSE;
  lines = g_strsplit (maps, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    const char *mapped = path_of_mapping (lines[i], (guintptr)symbol);

    if (mapped != NULL)
      return !g_str_equal (mapped, real);
  }
  return FALSE;
}

/* ---- opening ---- */

static void
set_dlopen_error (const char *path, GError **error)
{
  const char *reason = dlerror ();
  gboolean is_abi;

  if (reason == NULL)
    reason = "unknown reason";
  is_abi = strstr (reason, "undefined symbol") != NULL || strstr (reason, "version `") != NULL;
  g_set_error (error, HOOKRUN_ERROR, is_abi ? HOOKRUN_ERROR_ABI : HOOKRUN_ERROR_INVALID,
               is_abi ? "cannot load \"%s\": %s; rebuild it against this library"
                      : "cannot load \"%s\": %s",
               path, reason);
}

static HookrunNativeModule *
module_new (gpointer handle, int copy_fd, const HookrunPluginDescriptor *descriptor)
{
  HookrunNativeModule *self = g_new0 (HookrunNativeModule, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->handle = handle;
  self->copy_fd = copy_fd;
  self->descriptor = descriptor;
  return self;
}

HookrunNativeModule *
hookrun_native_module_new_static (const HookrunPluginDescriptor *descriptor)
{
  return module_new (NULL, -1, descriptor);
}

/* Maps @name and gives its descriptor, checked. */
static gpointer
map (const char *name, const char *path, const HookrunPluginDescriptor **descriptor, GError **error)
{
  gpointer handle = dlopen (name, RTLD_NOW | RTLD_LOCAL);

  if (handle == NULL) {
    set_dlopen_error (path, error);
    return NULL;
  }
  *descriptor = dlsym (handle, SYMBOL);
  if (*descriptor == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" does not export the symbol \"" SYMBOL
                 "\"; it is no plugin, or lacks HOOKRUN_PLUGIN_DEFINE",
                 path);
  } else if (hookrun_descriptor_check (*descriptor, path, error)) {
    return handle;
  }
  dlclose (handle);
  return NULL;
}

static HookrunNativeModule *
open_as_copy (const char *path, GError **error)
{
  const HookrunPluginDescriptor *descriptor = NULL;
  g_autofree char *name = NULL;
  struct stat st;
  int fd = hookrun_trust_open (path, O_RDONLY, &st, error);
  int copy = fd >= 0 ? make_copy (fd, path, error) : -1;
  gpointer handle;

  if (fd >= 0)
    close (fd);
  if (copy < 0)
    return NULL;
  if (fstat (copy, &st) < 0 || !check_contents (copy, &st, path, error)) {
    close (copy);
    return NULL;
  }
  name = g_strdup_printf ("/proc/self/fd/%d", copy);
  handle = map (name, path, &descriptor, error);
  if (handle != NULL)
    return module_new (handle, copy, descriptor);
  close (copy);
  return NULL;
}

static gboolean
check_same_file (const char *path, const HookrunTrustedFolder *trusted, const struct stat *checked,
                 GError **error)
{
  struct stat now;

  if (hookrun_trusted_folder_is_untouched (trusted))
    return TRUE;
  if (stat (path, &now) == 0 && now.st_dev == checked->st_dev && now.st_ino == checked->st_ino)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "\"%s\" was replaced while it was loaded; try again", path);
  return FALSE;
}

/* The way to @path was checked, so nobody but root and the user can put another file there. */
static HookrunNativeModule *
open_in_place (const char *path, gboolean is_installed, HookrunNativeSession *session,
               GError **error)
{
  const HookrunPluginDescriptor *descriptor = NULL;
  struct stat st;
  gpointer handle;

  if (!check_file (path, is_installed, session, &st, error))
    return NULL;
  if (session->n_mapped == 0)
    session->n_mapped = count_mapped ();
  handle = map (path, path, &descriptor, error);
  if (handle == NULL)
    return NULL;
  if (!is_surely_new (handle, session) && is_outdated (descriptor, path)) {
    dlclose (handle);
    return open_as_copy (path, error);
  }
  if (check_same_file (path, &session->folder, &st, error))
    return module_new (handle, -1, descriptor);
  dlclose (handle);
  return NULL;
}

HookrunNativeModule *
hookrun_native_module_open (const char *path, gboolean as_copy, gboolean is_installed,
                            HookrunNativeSession *session, GError **error)
{
  return as_copy ? open_as_copy (path, error) : open_in_place (path, is_installed, session, error);
}

HookrunNativeModule *
hookrun_native_module_open_unchecked (const char *path, GError **error)
{
  const HookrunPluginDescriptor *descriptor = NULL;
  gpointer handle = map (path, path, &descriptor, error);

  return handle != NULL ? module_new (handle, -1, descriptor) : NULL;
}

void
hookrun_native_session_clear (HookrunNativeSession *self)
{
  hookrun_trusted_folder_clear (&self->folder);
  self->n_mapped = 0;
}

HookrunNativeModule *
hookrun_native_module_ref (HookrunNativeModule *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
hookrun_native_module_unref (HookrunNativeModule *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (self->handle != NULL && (self->descriptor->flags & HOOKRUN_PLUGIN_MAY_UNLOAD) != 0) {
    dlclose (self->handle);
    if (self->copy_fd >= 0)
      close (self->copy_fd);
  }
  g_free (self);
}
