/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Builds the Landlock ruleset of a policy: whatever this kernel can guard is guarded, and only what
 * is granted is opened again. Devices, sockets and device requests are granted to nobody.
 */
#include "hookrun-landlock-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ACCESS_TRUNCATE (G_GUINT64_CONSTANT (1) << 14)
#define ACCESS_IOCTL_DEV (G_GUINT64_CONSTANT (1) << 15)
#define ACCESS_BIND_TCP (G_GUINT64_CONSTANT (1) << 0)
#define ACCESS_CONNECT_TCP (G_GUINT64_CONSTANT (1) << 1)
#define SCOPE_ABSTRACT_UNIX (G_GUINT64_CONSTANT (1) << 0)
#define SCOPE_SIGNAL (G_GUINT64_CONSTANT (1) << 1)
#define RULE_NET_PORT 2

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                               \
  (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                                 \
   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |    \
   LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER |         \
   ACCESS_TRUNCATE)
#define FILE_RIGHTS                                                                                \
  (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |     \
   ACCESS_TRUNCATE)

/* All that the first version of the interface guards. */
#define FIRST_RIGHTS (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)

/* As the newest kernel has it; older ones are given the part that they know. */
typedef struct {
  guint64 files;
  guint64 ports;
  guint64 scopes;
} RulesetAttributes;

typedef struct {
  guint64 rights;
  guint64 port;
} PortAttributes;

static const struct {
  guint version;
  gsize size;
  guint64 files;
} versions[] = {
    {1, sizeof (guint64), FIRST_RIGHTS},
    {HOOKRUN_LANDLOCK_RENAME, sizeof (guint64), LANDLOCK_ACCESS_FS_REFER},
    {HOOKRUN_LANDLOCK_TRUNCATE, sizeof (guint64), ACCESS_TRUNCATE},
    {HOOKRUN_LANDLOCK_TCP, 2 * sizeof (guint64), 0},
    {HOOKRUN_LANDLOCK_DEVICES, 2 * sizeof (guint64), ACCESS_IOCTL_DEV},
    {HOOKRUN_LANDLOCK_SCOPES, 3 * sizeof (guint64), 0},
};

guint
hookrun_landlock_version (void)
{
  long version = syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

  return version > 0 ? (guint)version : 0;
}

/* ---- opening what is granted ---- */

static void
open_grant_free (gpointer data)
{
  HookrunOpenGrant *open_grant = data;

  close (open_grant->fd);
  g_free (open_grant);
}

GPtrArray *
hookrun_open_grants (GPtrArray *grants, GError **error)
{
  g_autoptr (GPtrArray) opened = g_ptr_array_new_with_free_func (open_grant_free);

  for (guint i = 0; i < grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (grants, i);
    HookrunOpenGrant *open_grant;
    struct stat st;
    int fd = open (grant->path, O_PATH | O_CLOEXEC);

    if (fd < 0 && grant->is_optional)
      continue;
    if (fd < 0 || fstat (fd, &st) < 0) {
      int saved_errno = errno;

      if (fd >= 0)
        close (fd);
      hookrun_set_error_from_errno (error, saved_errno,
                                    "the policy grants \"%s\", which cannot be opened; make it, or "
                                    "take it out of the policy",
                                    grant->path);
      return NULL;
    }
    open_grant = g_new (HookrunOpenGrant, 1);
    *open_grant = (HookrunOpenGrant){grant, fd, S_ISDIR (st.st_mode)};
    g_ptr_array_add (opened, open_grant);
  }
  return g_steal_pointer (&opened);
}

/* ---- the ruleset ---- */

static guint64
rights_of (HookrunAccess access)
{
  guint64 rights = 0;

  if ((access & HOOKRUN_ACCESS_READ) != 0)
    rights |= READ_RIGHTS;
  if ((access & HOOKRUN_ACCESS_WRITE) != 0)
    rights |= WRITE_RIGHTS;
  if ((access & HOOKRUN_ACCESS_EXECUTE) != 0)
    rights |= LANDLOCK_ACCESS_FS_EXECUTE;
  return rights;
}

static gboolean
add_files (int ruleset, GPtrArray *grants, guint64 handled, GError **error)
{
  for (guint i = 0; i < grants->len; i++) {
    const HookrunOpenGrant *open_grant = g_ptr_array_index (grants, i);
    struct landlock_path_beneath_attr beneath = {0};

    beneath.parent_fd = open_grant->fd;
    beneath.allowed_access = rights_of (open_grant->grant->access) & handled;
    if (!open_grant->is_folder)
      beneath.allowed_access &= FILE_RIGHTS;
    if (beneath.allowed_access != 0 &&
        syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0) {
      hookrun_set_error_from_errno (error, errno, "Landlock refuses the grant of \"%s\"",
                                    open_grant->grant->path);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
add_ports (int ruleset, const GArray *ports, guint64 rights, GError **error)
{
  for (guint i = 0; i < ports->len; i++) {
    PortAttributes attributes = {rights, g_array_index (ports, guint16, i)};

    if (syscall (SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attributes, 0) < 0) {
      hookrun_set_error_from_errno (error, errno, "Landlock refuses the grant of port %u",
                                    (guint)attributes.port);
      return FALSE;
    }
  }
  return TRUE;
}

int
hookrun_landlock_build (HookrunPolicy *policy, GPtrArray *grants, guint version, GError **error)
{
  RulesetAttributes attributes = {0};
  gsize size = 0;
  int ruleset;

  for (guint i = 0; i < G_N_ELEMENTS (versions) && versions[i].version <= version; i++) {
    attributes.files |= versions[i].files;
    size = versions[i].size;
  }
  if (version >= HOOKRUN_LANDLOCK_TCP && policy->network != HOOKRUN_NETWORK_ALL)
    attributes.ports = ACCESS_BIND_TCP | ACCESS_CONNECT_TCP;
  if (version >= HOOKRUN_LANDLOCK_SCOPES)
    attributes.scopes = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
  ruleset = (int)syscall (SYS_landlock_create_ruleset, &attributes, size, 0);
  if (ruleset < 0) {
    hookrun_set_error_from_errno (error, errno, "Landlock makes no ruleset");
    return -1;
  }
  if (add_files (ruleset, grants, attributes.files, error) &&
      (attributes.ports == 0 || (add_ports (ruleset, policy->bind, ACCESS_BIND_TCP, error) &&
                                 add_ports (ruleset, policy->connect, ACCESS_CONNECT_TCP, error))))
    return ruleset;
  close (ruleset);
  return -1;
}
