/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The run's data as the journal keeps it: a snapshot at the start, then what each record changed,
 * key by key. Secrets are never written; only their names are.
 */
#pragma once

#include "hookrun-data.h"

G_BEGIN_DECLS

/* (transfer full): all but secrets, objects and private keys */
JsonObject *hookrun_patch_snapshot (HookrunData *data);

/* (transfer full): the names of secrets that are set, each with a digest of its value */
GHashTable *hookrun_patch_secrets (HookrunData *data);

/* Adds "set" and "unset" to @record: what turns @old into @new. */
void hookrun_patch_diff (JsonObject *old, JsonObject *new, JsonObject *record);

/* What @record changes. @secrets is a set of names. */
void hookrun_patch_apply (JsonObject *data, GHashTable *secrets, JsonObject *record);

/* Brings @data to @wanted: fields that only the emitter writes, too. */
gboolean hookrun_patch_restore (HookrunData *data, JsonObject *wanted, GError **error);

/* (transfer full): deep copies */
JsonObject *hookrun_patch_copy (JsonObject *object);
JsonNode *hookrun_patch_copy_node (JsonNode *node);

G_END_DECLS
