/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of a journal, written and read. Reading trusts nothing: each line's sum, JSON and
 * number must be right before its record is handed out.
 */
#include "hookrun-record-private.h"
#include "hookrun-json-private.h"

#include <string.h>

/* Data that is as deep as data may be sits a little deeper in its record. */
static const HookrunJsonLimits limits = {HOOKRUN_RECORD_MAX_SIZE, 2 * HOOKRUN_JSON_MAX_DEPTH};

void
hookrun_record_sum_init (HookrunRecordSum sum)
{
  memset (sum, '0', HOOKRUN_RECORD_SUM_LENGTH);
  sum[HOOKRUN_RECORD_SUM_LENGTH] = '\0';
}

static void
chain_sum (HookrunRecordSum sum, const char *json, gsize length)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  g_checksum_update (checksum, (const guchar *)sum, HOOKRUN_RECORD_SUM_LENGTH);
  g_checksum_update (checksum, (const guchar *)json, (gssize)length);
  memcpy (sum, g_checksum_get_string (checksum), HOOKRUN_RECORD_SUM_LENGTH);
}

char *
hookrun_record_format (JsonNode *record, HookrunRecordSum sum, GError **error)
{
  g_autofree char *json = hookrun_json_to_string (record);
  gsize length = strlen (json);

  if (length + HOOKRUN_RECORD_SUM_LENGTH + 2 > HOOKRUN_RECORD_MAX_SIZE) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "a journal record of %" G_GSIZE_FORMAT " bytes exceeds the limit of %d; keep less "
                 "in the data of the run or the state of the step",
                 length, HOOKRUN_RECORD_MAX_SIZE);
    return NULL;
  }
  if (!hookrun_json_check (json, length, &limits, error)) {
    g_prefix_error (error, "data of the run or state of a step cannot be journaled: ");
    return NULL;
  }
  chain_sum (sum, json, length);
  return g_strconcat (sum, " ", json, "\n", NULL);
}

void
hookrun_record_reader_init (HookrunRecordReader *reader, const char *text, gsize length)
{
  reader->text = text;
  reader->length = length;
  reader->offset = 0;
  reader->number = 0;
  hookrun_record_sum_init (reader->sum);
}

static HookrunRecordResult
damaged (const HookrunRecordReader *reader, const char *why, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "record %u (at byte %" G_GSIZE_FORMAT ") is damaged: %s; nothing was changed. Put a "
               "sound copy of the file back, or set the journal aside and look at what the run "
               "left behind",
               reader->number + 1, reader->offset, why);
  return HOOKRUN_RECORD_DAMAGED;
}

/* A write that a crash cut off has no end of line. After a loss of power parts of the last line may
 * also be blocks of zeros. Anything else was whole once. */
static gboolean
is_torn (const HookrunRecordReader *reader, const char *end)
{
  const char *line = reader->text + reader->offset;

  if (end == NULL)
    return TRUE;
  return end + 1 == reader->text + reader->length &&
         memchr (line, '\0', (gsize)(end - line)) != NULL;
}

static gboolean
verify_sum (HookrunRecordSum sum, const char *line, gsize length)
{
  if (length < HOOKRUN_RECORD_SUM_LENGTH + 1 || line[HOOKRUN_RECORD_SUM_LENGTH] != ' ')
    return FALSE;
  chain_sum (sum, line + HOOKRUN_RECORD_SUM_LENGTH + 1, length - HOOKRUN_RECORD_SUM_LENGTH - 1);
  return memcmp (sum, line, HOOKRUN_RECORD_SUM_LENGTH) == 0;
}

HookrunRecordResult
hookrun_record_reader_next (HookrunRecordReader *reader, JsonNode **record, GError **error)
{
  const char *line = reader->text + reader->offset;
  const char *end = memchr (line, '\n', reader->length - reader->offset);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) problem = NULL;
  HookrunRecordSum sum;

  if (reader->offset == reader->length)
    return HOOKRUN_RECORD_END;
  if (is_torn (reader, end))
    return HOOKRUN_RECORD_TORN;
  memcpy (sum, reader->sum, sizeof sum);
  if (!verify_sum (sum, line, (gsize)(end - line)))
    return damaged (reader, "its checksum does not match", error);
  line += HOOKRUN_RECORD_SUM_LENGTH + 1;
  node = hookrun_json_parse (line, (gsize)(end - line), &limits, "its JSON", &problem);
  if (node == NULL)
    return damaged (reader, problem->message, error);
  if (!JSON_NODE_HOLDS_OBJECT (node) ||
      hookrun_record_get_int (json_node_get_object (node), "n") != reader->number + 1)
    return damaged (reader, "its number is not the next one", error);
  memcpy (reader->sum, sum, sizeof sum);
  reader->number++;
  reader->offset = (gsize)(end - reader->text) + 1;
  *record = g_steal_pointer (&node);
  return HOOKRUN_RECORD_READ;
}

static JsonNode *
get_member (JsonObject *record, const char *member, JsonNodeType type)
{
  JsonNode *node = record == NULL ? NULL : json_object_get_member (record, member);

  return node != NULL && json_node_get_node_type (node) == type ? node : NULL;
}

static const char *
get_text (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
                 json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

const char *
hookrun_record_get_string (JsonObject *record, const char *member)
{
  return get_text (get_member (record, member, JSON_NODE_VALUE));
}

gint64
hookrun_record_get_int (JsonObject *record, const char *member)
{
  JsonNode *node = get_member (record, member, JSON_NODE_VALUE);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node)
                                                                         : 0;
}

gboolean
hookrun_record_get_boolean (JsonObject *record, const char *member)
{
  JsonNode *node = get_member (record, member, JSON_NODE_VALUE);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN &&
         json_node_get_boolean (node);
}

JsonObject *
hookrun_record_get_object (JsonObject *record, const char *member)
{
  JsonNode *node = get_member (record, member, JSON_NODE_OBJECT);

  return node != NULL ? json_node_get_object (node) : NULL;
}

JsonArray *
hookrun_record_get_array (JsonObject *record, const char *member)
{
  JsonNode *node = get_member (record, member, JSON_NODE_ARRAY);

  return node != NULL ? json_node_get_array (node) : NULL;
}

const char *
hookrun_record_get_element (JsonArray *array, guint index)
{
  return get_text (json_array_get_element (array, index));
}
