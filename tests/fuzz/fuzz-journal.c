/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Journals: any bytes are read to their end, their torn rest or their first damage; and records
 * with right sums but any contents make a ledger or are refused, and a status either way. */
#include <hookrun.h>
#include <stdint.h>
#include <string.h>

#include "hookrun-json-private.h"
#include "hookrun-ledger-private.h"
#include "hookrun-record-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
read_lines (const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  HookrunRecordReader reader;
  HookrunRecordResult result;
  guint n = 0;

  hookrun_record_reader_init (&reader, text, length);
  do {
    g_autoptr (JsonNode) record = NULL;

    result = hookrun_record_reader_next (&reader, &record, &error);
    g_assert_true ((result == HOOKRUN_RECORD_READ) == (record != NULL));
    n += result == HOOKRUN_RECORD_READ;
  } while (result == HOOKRUN_RECORD_READ);
  g_assert_cmpuint (n, ==, reader.number);
  g_assert_cmpuint (reader.offset, <=, length);
  g_assert_true ((result == HOOKRUN_RECORD_DAMAGED) == (error != NULL));
}

/* Each line is the JSON of a record. */
static void
apply_lines (const char *text, gsize length)
{
  static const HookrunJsonLimits limits = {.max_size = 8192, .max_depth = 16};
  g_autoptr (HookrunLedger) ledger = hookrun_ledger_new ();
  g_autoptr (JsonObject) status = NULL;

  for (gsize start = 0; start < length;) {
    const char *end = memchr (text + start, '\n', length - start);
    gsize n = end == NULL ? length - start : (gsize)(end - text) - start;
    g_autoptr (JsonNode) node = hookrun_json_parse (text + start, n, &limits, "record", NULL);
    g_autoptr (GError) error = NULL;

    if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
      g_assert_true (hookrun_ledger_apply (ledger, json_node_get_object (node), &error) ==
                     (error == NULL));
    start += n + 1;
  }
  status = hookrun_ledger_status (ledger);
  g_assert_true (json_object_has_member (status, "state"));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  read_lines ((const char *)data, size);
  apply_lines ((const char *)data, size);
  return 0;
}
