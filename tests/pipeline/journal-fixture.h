/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder with a journal in it, and a small run to write there. */
#pragma once

#include "folder.h"
#include "hookrun-journal-private.h"

typedef struct {
  char *folder;
  char *path;
} Fixture;

static inline void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = make_test_folder ();
  fixture->path = g_build_filename (fixture->folder, "jobs.journal", NULL);
}

static inline void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_test_folder (fixture->folder);
  g_free (fixture->path);
}

static inline HookrunJournal *
open_journal (Fixture *fixture, HookrunJournalFlags flags)
{
  g_autoptr (GError) error = NULL;
  HookrunJournal *journal = hookrun_journal_open (fixture->folder, "jobs", flags, &error);

  g_assert_no_error (error);
  return journal;
}

static inline JsonObject *
parse_object (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  g_assert_nonnull (node);
  return json_node_dup_object (node);
}

static inline void
begin (HookrunJournal *journal)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) header = parse_object (
      "{\"type\":\"run\",\"pipeline\":\"jobs\",\"title\":\"a → b\",\"data\":{\"key\":1},"
      "\"plan\":{\"steps\":[{\"name\":\"one\",\"flags\":0},{\"name\":\"two\",\"flags\":0}]}}");

  g_assert_true (hookrun_journal_begin (journal, header, &error));
  g_assert_no_error (error);
}

static inline gboolean
try_append (HookrunJournal *journal, const char *text, GError **error)
{
  g_autoptr (JsonObject) record = parse_object (text);

  return hookrun_journal_append (journal, record, FALSE, error);
}

static inline void
append (HookrunJournal *journal, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (try_append (journal, text, &error));
  g_assert_no_error (error);
}

/* Five records: the run, begin, acted, begin, end */
static inline void
write_run (Fixture *fixture)
{
  g_autoptr (HookrunJournal) journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);

  begin (journal);
  append (journal, "{\"type\":\"begin\",\"step\":\"one\",\"action\":true}");
  append (journal, "{\"type\":\"acted\",\"step\":\"one\",\"set\":{\"key\":2}}");
  append (journal, "{\"type\":\"begin\",\"step\":\"two\",\"done\":[\"one\"]}");
  append (journal, "{\"type\":\"end\",\"state\":\"done\",\"done\":[\"two\"]}");
}

static inline guint
count_records (HookrunJournal *journal)
{
  g_autoptr (JsonNode) records = hookrun_journal_get_records (journal);

  return json_array_get_length (json_node_get_array (records));
}
