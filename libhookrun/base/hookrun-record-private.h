/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of a journal: `SUM JSON\n`, where SUM is the beginning of the SHA-256 of the line
 * before it (its SUM) and the JSON. So a changed, lost, moved or foreign line is noticed, and a
 * line that a crash tore is told from one that was damaged later.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

#define HOOKRUN_RECORD_SUM_LENGTH 16
#define HOOKRUN_RECORD_MAX_SIZE (8 * 1024 * 1024)

/* Digits and a NUL */
typedef char HookrunRecordSum[HOOKRUN_RECORD_SUM_LENGTH + 1];

void hookrun_record_sum_init (HookrunRecordSum sum);

/* (transfer full): the line of @record, which follows the line with @sum; @sum becomes its own.
 * LIMIT, with @sum unchanged, when it is longer than HOOKRUN_RECORD_MAX_SIZE. */
char *hookrun_record_format (JsonNode *record, HookrunRecordSum sum, GError **error);

typedef enum {
  HOOKRUN_RECORD_READ,    /* *record is set */
  HOOKRUN_RECORD_END,     /* the text ended behind a whole record */
  HOOKRUN_RECORD_TORN,    /* what is left is the beginning of a record whose write was cut off */
  HOOKRUN_RECORD_DAMAGED, /* @error says which record, where and what to do */
} HookrunRecordResult;

typedef struct {
  const char *text;
  gsize length;
  gsize offset;         /* where the next line starts */
  guint number;         /* of the last record read, from 1 */
  HookrunRecordSum sum; /* of the last record read */
} HookrunRecordReader;

void hookrun_record_reader_init (HookrunRecordReader *reader, const char *text, gsize length);
HookrunRecordResult hookrun_record_reader_next (HookrunRecordReader *reader, JsonNode **record,
                                                GError **error);

/* Members of a record; NULL, 0 or FALSE when missing or of another type. */
const char *hookrun_record_get_string (JsonObject *record, const char *member);
gint64 hookrun_record_get_int (JsonObject *record, const char *member);
gboolean hookrun_record_get_boolean (JsonObject *record, const char *member);
JsonObject *hookrun_record_get_object (JsonObject *record, const char *member);
JsonArray *hookrun_record_get_array (JsonObject *record, const char *member);
/* NULL when it is no string */
const char *hookrun_record_get_element (JsonArray *array, guint index);

G_END_DECLS
