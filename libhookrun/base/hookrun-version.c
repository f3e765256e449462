/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The version of the library that is running, which may be newer than the headers. */
#include "hookrun-version.h"

/**
 * hookrun_get_version:
 *
 * Gets the version of the library in use. It is the run-time counterpart of
 * %HOOKRUN_VERSION_STRING.
 *
 * Returns: (transfer none): the version, for example `"1.2.3"`
 *
 * Since: 1.0
 */
const char *
hookrun_get_version (void)
{
  return HOOKRUN_VERSION_STRING;
}
