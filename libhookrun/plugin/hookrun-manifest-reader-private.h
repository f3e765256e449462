/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers of single JSON values, for the tables of keys that a manifest is made of. */
#pragma once

#include "hookrun-manifest-private.h"

G_BEGIN_DECLS

/* Puts @value where @place points; the error does not name the key, which the caller adds. */
typedef gboolean (*HookrunManifestKeyReader) (HookrunManifest *self, JsonNode *value,
                                              gpointer place, GError **error);

typedef struct {
  const char *key;
  HookrunManifestKeyReader read;
  gsize offset; /* of its place */
} HookrunManifestKey;

/* Sets INVALID, "must be WANTED, not …", and gives FALSE. */
gboolean hookrun_manifest_wrong_type (JsonNode *value, const char *wanted, GError **error);
gboolean hookrun_manifest_is_string (JsonNode *value);
gboolean hookrun_manifest_is_int (JsonNode *value);

/* What @place points to: char *, char *, char *, char **, guint, int, gboolean, guint, JsonNode *.
 */
gboolean hookrun_manifest_read_string (HookrunManifest *self, JsonNode *value, gpointer place,
                                       GError **error);
gboolean hookrun_manifest_read_id (HookrunManifest *self, JsonNode *value, gpointer place,
                                   GError **error);
gboolean hookrun_manifest_read_version (HookrunManifest *self, JsonNode *value, gpointer place,
                                        GError **error);
gboolean hookrun_manifest_read_strv (HookrunManifest *self, JsonNode *value, gpointer place,
                                     GError **error);
gboolean hookrun_manifest_read_guint (HookrunManifest *self, JsonNode *value, gpointer place,
                                      GError **error);
gboolean hookrun_manifest_read_int (HookrunManifest *self, JsonNode *value, gpointer place,
                                    GError **error);
gboolean hookrun_manifest_read_boolean (HookrunManifest *self, JsonNode *value, gpointer place,
                                        GError **error);
gboolean hookrun_manifest_read_duration (HookrunManifest *self, JsonNode *value, gpointer place,
                                         GError **error);
gboolean hookrun_manifest_read_object (HookrunManifest *self, JsonNode *value, gpointer place,
                                       GError **error);

/* @index of the word among @words. */
gboolean hookrun_manifest_read_word (JsonNode *value, const char *const *words, guint n_words,
                                     guint *index, GError **error);

/* Hands each member of @object to its row of @keys; a key without a row is an error. */
gboolean hookrun_manifest_read_members (HookrunManifest *self, JsonObject *object,
                                        const HookrunManifestKey *keys, gsize n_keys, gpointer base,
                                        GError **error);

G_END_DECLS
