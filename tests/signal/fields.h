/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One field of every type and flag, and their slots. */
#pragma once

#include <hookrun.h>

enum { NAME, COMMIT_MSG, FORCE, COUNT, RATIO, FILES, EXTRA, TARGET, HOST, PASSWORD, N_FIELDS };

static const HookrunField all_fields[N_FIELDS] = {
    [NAME] = {"name", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_REQUIRED, "which one"},
    [COMMIT_MSG] = {"commit_msg", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_TEMPLATE, NULL},
    [FORCE] = {"force", HOOKRUN_FIELD_BOOLEAN, HOOKRUN_FIELD_NONE, NULL},
    [COUNT] = {"count", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL},
    [RATIO] = {"ratio", HOOKRUN_FIELD_DOUBLE, HOOKRUN_FIELD_NONE, NULL},
    [FILES] = {"files", HOOKRUN_FIELD_STRV, HOOKRUN_FIELD_NONE, NULL},
    [EXTRA] = {"extra", HOOKRUN_FIELD_JSON, HOOKRUN_FIELD_NONE, NULL},
    [TARGET] = {"target", HOOKRUN_FIELD_OBJECT, HOOKRUN_FIELD_NONE, NULL},
    [HOST] = {"host", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, NULL},
    [PASSWORD] = {"password", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_SECRET, NULL},
};
