/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one error domain of the library; each code says what the caller can do about it. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-version.h"

G_BEGIN_DECLS

/**
 * HOOKRUN_ERROR:
 *
 * Error domain of all functions of the library. Codes are of [enum@Hookrun.Error].
 *
 * Since: 1.0
 */
#define HOOKRUN_ERROR (hookrun_error_quark ())

/**
 * HookrunError:
 * @HOOKRUN_ERROR_IO: a file or socket operation failed; the message names it and the reason
 * @HOOKRUN_ERROR_INVALID: a file, message or argument is malformed; the message names the place
 * @HOOKRUN_ERROR_NOT_FOUND: what was asked for does not exist; correct the name
 * @HOOKRUN_ERROR_EXISTS: what was to be made exists already
 * @HOOKRUN_ERROR_CYCLE: an order or dependency runs in a circle; the message prints the path
 * @HOOKRUN_ERROR_UNSUPPORTED: this system, peer or build lacks the feature; the message says which
 * @HOOKRUN_ERROR_ABI: a plugin was built for another version of the library; rebuild it
 * @HOOKRUN_ERROR_UNTRUSTED: a file is writable by others, or its origin is not trusted
 * @HOOKRUN_ERROR_PERMISSION: access was denied
 * @HOOKRUN_ERROR_LIMIT: a size, depth, count or recursion limit was exceeded
 * @HOOKRUN_ERROR_TIMED_OUT: a deadline passed
 * @HOOKRUN_ERROR_CANCELLED: the caller cancelled the operation
 * @HOOKRUN_ERROR_PROTOCOL: a peer (worker or server) broke the protocol
 * @HOOKRUN_ERROR_CRASHED: a process ended where it should have answered
 * @HOOKRUN_ERROR_HANDLER: a handler returned %HOOKRUN_FAILED; the message names plugin, handler,
 *   signal and cause
 * @HOOKRUN_ERROR_HOST_KEY_UNKNOWN: no key is known for the host; verify its fingerprint, add it
 * @HOOKRUN_ERROR_HOST_KEY_CHANGED: the host shows another key than the known one; do not go on
 * @HOOKRUN_ERROR_HOST_KEY_REVOKED: the host shows a key that is marked as revoked; do not go on
 * @HOOKRUN_ERROR_AUTHENTICATION: the server refused every way to log in
 * @HOOKRUN_ERROR_CONNECTION: no connection, or it broke; trying again may help
 * @HOOKRUN_ERROR_NO_SPACE: a disk is full or a quota is exceeded
 * @HOOKRUN_ERROR_COMMAND: a command exited with a status other than zero or by a signal
 * @HOOKRUN_ERROR_BUSY: another process holds the lock; the message names it
 * @HOOKRUN_ERROR_CONFLICT: something changed under the operation, nothing was overwritten
 *
 * Error codes of the library.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_ERROR_IO,
  HOOKRUN_ERROR_INVALID,
  HOOKRUN_ERROR_NOT_FOUND,
  HOOKRUN_ERROR_EXISTS,
  HOOKRUN_ERROR_CYCLE,
  HOOKRUN_ERROR_UNSUPPORTED,
  HOOKRUN_ERROR_ABI,
  HOOKRUN_ERROR_UNTRUSTED,
  HOOKRUN_ERROR_PERMISSION,
  HOOKRUN_ERROR_LIMIT,
  HOOKRUN_ERROR_TIMED_OUT,
  HOOKRUN_ERROR_CANCELLED,
  HOOKRUN_ERROR_PROTOCOL,
  HOOKRUN_ERROR_CRASHED,
  HOOKRUN_ERROR_HANDLER,
  HOOKRUN_ERROR_HOST_KEY_UNKNOWN,
  HOOKRUN_ERROR_HOST_KEY_CHANGED,
  HOOKRUN_ERROR_HOST_KEY_REVOKED,
  HOOKRUN_ERROR_AUTHENTICATION,
  HOOKRUN_ERROR_CONNECTION,
  HOOKRUN_ERROR_NO_SPACE,
  HOOKRUN_ERROR_COMMAND,
  HOOKRUN_ERROR_BUSY,
  HOOKRUN_ERROR_CONFLICT,
} HookrunError;

HOOKRUN_AVAILABLE_IN_1_0
GQuark hookrun_error_quark (void);

HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_error_get_type (void);

#define HOOKRUN_TYPE_ERROR (hookrun_error_get_type ())

G_END_DECLS
