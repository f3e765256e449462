/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error domain, and the one place where an errno becomes an error that says what and why. */
#include "hookrun-error-private.h"

#include <errno.h>

/**
 * hookrun_error_quark:
 *
 * Gets the error domain of the library.
 *
 * Returns: the quark behind %HOOKRUN_ERROR
 *
 * Since: 1.0
 */
/* clang-format off */
G_DEFINE_QUARK (hookrun-error-quark, hookrun_error)
/* clang-format on */

GType
hookrun_error_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
#define ROW(name, nick)                                                                            \
  {                                                                                                \
    HOOKRUN_ERROR_##name, "HOOKRUN_ERROR_" #name, nick                                             \
  }
    static const GEnumValue values[] = {
        ROW (IO, "io"),
        ROW (INVALID, "invalid"),
        ROW (NOT_FOUND, "not-found"),
        ROW (EXISTS, "exists"),
        ROW (CYCLE, "cycle"),
        ROW (UNSUPPORTED, "unsupported"),
        ROW (ABI, "abi"),
        ROW (UNTRUSTED, "untrusted"),
        ROW (PERMISSION, "permission"),
        ROW (LIMIT, "limit"),
        ROW (TIMED_OUT, "timed-out"),
        ROW (CANCELLED, "cancelled"),
        ROW (PROTOCOL, "protocol"),
        ROW (CRASHED, "crashed"),
        ROW (HANDLER, "handler"),
        ROW (HOST_KEY_UNKNOWN, "host-key-unknown"),
        ROW (HOST_KEY_CHANGED, "host-key-changed"),
        ROW (HOST_KEY_REVOKED, "host-key-revoked"),
        ROW (AUTHENTICATION, "authentication"),
        ROW (CONNECTION, "connection"),
        ROW (NO_SPACE, "no-space"),
        ROW (COMMAND, "command"),
        ROW (BUSY, "busy"),
        ROW (CONFLICT, "conflict"),
        {0, NULL, NULL},
    };
#undef ROW
    g_once_init_leave (&type, g_enum_register_static ("HookrunError", values));
  }
  return type;
}

/* The code for an errno: what a caller would do differently decides, the rest is IO. */
HookrunError
hookrun_error_from_errno (int saved_errno)
{
  switch (saved_errno) {
  case ENOENT:
  case ENOTDIR:
    return HOOKRUN_ERROR_NOT_FOUND;
  case EEXIST:
  case ENOTEMPTY:
    return HOOKRUN_ERROR_EXISTS;
  case EACCES:
  case EPERM:
  case EROFS:
    return HOOKRUN_ERROR_PERMISSION;
  case ENOSPC:
  case EDQUOT:
    return HOOKRUN_ERROR_NO_SPACE;
  case ETIMEDOUT:
    return HOOKRUN_ERROR_TIMED_OUT;
  case ECONNREFUSED:
  case ECONNRESET:
  case EPIPE:
  case EHOSTUNREACH:
  case ENETUNREACH:
    return HOOKRUN_ERROR_CONNECTION;
  case ELOOP:
  case ENAMETOOLONG:
    return HOOKRUN_ERROR_INVALID;
  default:
    return HOOKRUN_ERROR_IO;
  }
}

/* Sets @error from @saved_errno; the message is "<format>: <reason>". */
void
hookrun_set_error_from_errno (GError **error, int saved_errno, const char *format, ...)
{
  va_list args;
  g_autofree char *what = NULL;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, HOOKRUN_ERROR, (int)hookrun_error_from_errno (saved_errno), "%s: %s", what,
               g_strerror (saved_errno));
}
