/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Children that run in a sandbox, for whoever starts programs and workers. */
#pragma once

#include "hookrun-child-private.h"
#include "hookrun-sandbox.h"

G_BEGIN_DECLS

/* Its place is a HookrunSandbox. */
extern const HookrunChildKeeper hookrun_confined_keeper;

G_END_DECLS
