/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger of staged files: records of any contents are applied or refused, and what a book says
 * in few records gives the same book again. Text of any bytes is made visible without control. */
#include <hookrun.h>
#include <stdint.h>
#include <string.h>

#include "hookrun-json-private.h"
#include "hookrun-staging-book-private.h"
#include "hookrun-staging-change-private.h"
#include "hookrun-staging-xattr-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Each line is the JSON of a record. */
static void
apply_lines (HookrunStagingBook *book, const char *text, gsize length)
{
  static const HookrunJsonLimits limits = {.max_size = 65536, .max_depth = 16};

  for (gsize start = 0; start < length;) {
    const char *end = memchr (text + start, '\n', length - start);
    gsize n = end == NULL ? length - start : (gsize)(end - text) - start;
    g_autoptr (JsonNode) node = hookrun_json_parse (text + start, n, &limits, "record", NULL);
    g_autoptr (GError) error = NULL;

    if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
      g_assert_true (hookrun_staging_book_apply (book, json_node_get_object (node), &error) ==
                     (error == NULL));
    start += n + 1;
  }
}

static void
check_again (HookrunStagingBook *book)
{
  g_autoptr (HookrunStagingBook) again = hookrun_staging_book_new ();
  g_autoptr (GPtrArray) records = hookrun_staging_book_records (book);

  for (guint i = 0; i < records->len; i++) {
    g_autoptr (GError) error = NULL;

    if (!hookrun_staging_book_apply (again, records->pdata[i], &error))
      g_error ("record %u: %s", i, error->message);
  }
  g_assert_cmpuint (again->next_id, <=, book->next_id);
  g_assert_cmpuint (again->pending->len, ==, book->pending->len);
  g_assert_cmpuint (g_hash_table_size (again->choices), ==, g_hash_table_size (book->choices));
  g_assert_true ((again->open == NULL) == (book->open == NULL));
  g_assert_cmpuint (again->commits->len, ==,
                    MIN (book->commits->len, HOOKRUN_STAGING_KEEP_COMMITS));
}

static void
check_visible (const char *text, gsize length)
{
  g_autofree char *visible = hookrun_staging_make_visible (text, length, TRUE);

  g_assert_true (g_utf8_validate (visible, -1, NULL));
  for (const char *at = visible; *at != '\0'; at++)
    g_assert_false (g_ascii_iscntrl (*at) && *at != '\n' && *at != '\t');
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (HookrunStagingBook) book = hookrun_staging_book_new ();
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);

  apply_lines (book, (const char *)data, size);
  check_again (book);
  check_visible ((const char *)data, size);
  hookrun_staging_xattr_check (bytes);
  return 0;
}
