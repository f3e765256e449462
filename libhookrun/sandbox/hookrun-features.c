/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this system can do, found by trying it: versions say little, because builds, containers and
 * administrators switch things off. */
#include "hookrun-broker-private.h"
#include "hookrun-sandbox-child-private.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean
has_action (guint32 action)
{
  return syscall (SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* Flags are looked at before the filter, which is none. */
static gboolean
has_killable_wait (void)
{
  const unsigned long flags =
      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

  return syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

static gboolean
has_broker (void)
{
  struct seccomp_notif_sizes sizes = {0};

  return has_action (SECCOMP_RET_USER_NOTIF) &&
         syscall (SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 &&
         sizes.seccomp_notif <= HOOKRUN_BROKER_MESSAGE_SIZE &&
         sizes.seccomp_notif_resp <= HOOKRUN_BROKER_MESSAGE_SIZE;
}

void
hookrun_features_probe (HookrunFeatures *features)
{
  features->landlock = hookrun_landlock_version ();
  features->has_filter = has_action (SECCOMP_RET_KILL_PROCESS);
  features->has_broker = features->has_filter && has_broker ();
  features->has_close_range = syscall (SYS_close_range, ~0U, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  features->has_killable_wait = features->has_broker && has_killable_wait ();
  features->has_clone3 = hookrun_sandbox_child_has_clone3 ();
}
