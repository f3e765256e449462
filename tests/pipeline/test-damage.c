/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A journal that was torn or damaged at any byte is cut or refused, never believed. */
#include "journal-fixture.h"

#include <string.h>
#include <unistd.h>

typedef struct {
  char *text;
  gsize length;
  gsize ends[8]; /* of the lines */
} Sound;

static void
read_sound (Fixture *fixture, Sound *sound)
{
  gsize n = 0;

  g_assert_true (g_file_get_contents (fixture->path, &sound->text, &sound->length, NULL));
  for (gsize i = 0; i < sound->length; i++)
    if (sound->text[i] == '\n')
      sound->ends[n++] = i + 1;
  g_assert_cmpuint (n, ==, 5);
}

static void
put (Fixture *fixture, const char *text, gsize length)
{
  int fd = g_open (fixture->path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (hookrun_file_write_all (fd, text, length, "journal", NULL));
  close (fd);
}

static guint
whole_lines (const Sound *sound, gsize length)
{
  guint n = 0;

  while (n < 5 && sound->ends[n] <= length)
    n++;
  return n;
}

/* At every byte: what is left is the whole records before, and the file ends with them. */
static void
test_truncated (Fixture *fixture, gconstpointer data)
{
  Sound sound = {NULL};

  write_run (fixture);
  read_sound (fixture, &sound);
  for (gsize length = 0; length < sound.length; length++) {
    g_autoptr (HookrunJournal) reader = NULL;
    g_autoptr (HookrunJournal) journal = NULL;
    g_autofree char *left = NULL;
    guint whole = whole_lines (&sound, length);
    gsize left_length = 0;

    put (fixture, sound.text, length);
    reader = open_journal (fixture, HOOKRUN_JOURNAL_READ_ONLY);
    g_assert_cmpuint (count_records (reader), ==, whole);
    journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
    g_assert_cmpuint (count_records (journal), ==, whole);
    g_assert_cmpint (hookrun_journal_get_state (journal), ==,
                     whole == 0 ? HOOKRUN_RUN_NONE : HOOKRUN_RUN_UNFINISHED);
    g_assert_cmpint (g_file_get_contents (fixture->path, &left, &left_length, NULL), ==, whole > 0);
    g_assert_cmpuint (left_length, ==, whole > 0 ? sound.ends[whole - 1] : 0);
    if (whole > 0)
      append (journal, "{\"type\":\"finals\"}");
  }
  g_free (sound.text);
}

/* Each bit of each byte: an error that names the record, or a last record that is not believed.
 * Never another claim. */
static void
test_flipped (Fixture *fixture, gconstpointer data)
{
  Sound sound = {NULL};
  guint cut = 0;

  write_run (fixture);
  read_sound (fixture, &sound);
  for (gsize i = 0; i < sound.length * 8; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HookrunJournal) reader = NULL;
    guint record = whole_lines (&sound, i / 8) + 1;
    g_autofree char *place = g_strdup_printf ("record %u ", record);

    sound.text[i / 8] = (char)(sound.text[i / 8] ^ (1 << (i % 8)));
    put (fixture, sound.text, sound.length);
    sound.text[i / 8] = (char)(sound.text[i / 8] ^ (1 << (i % 8)));
    reader = hookrun_journal_open (fixture->folder, "jobs", HOOKRUN_JOURNAL_READ_ONLY, &error);
    if (reader == NULL) {
      g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, place));
      continue;
    }
    g_assert_cmpuint (record, ==, 5);
    g_assert_cmpuint (count_records (reader), ==, 4);
    g_assert_cmpint (hookrun_journal_get_state (reader), ==, HOOKRUN_RUN_UNFINISHED);
    cut++;
  }
  g_test_message ("taken for torn: %u of %" G_GSIZE_FORMAT, cut, sound.length * 8);
  g_free (sound.text);
}

/* Whole lines lost, doubled, swapped or brought in from another run */
static void
test_moved_lines (Fixture *fixture, gconstpointer data)
{
  static const int orders[][6] = {
      {0, 2, 3, 4, -1}, {0, 1, 1, 2, 3, -1}, {0, 2, 1, 3, 4, -1}, {1, 2, 3, 4, -1}};
  Sound sound = {NULL};

  write_run (fixture);
  read_sound (fixture, &sound);
  for (gsize i = 0; i < G_N_ELEMENTS (orders); i++) {
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GError) error = NULL;

    for (const int *line = orders[i]; *line >= 0 && line < orders[i] + 6; line++) {
      gsize start = *line == 0 ? 0 : sound.ends[*line - 1];

      g_string_append_len (text, sound.text + start, (gssize)(sound.ends[*line] - start));
    }
    put (fixture, text->str, text->len);
    g_assert_null (hookrun_journal_open (fixture->folder, "jobs", HOOKRUN_JOURNAL_NONE, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, "checksum"));
    g_assert_nonnull (strstr (error->message, "nothing was changed"));
  }
  g_free (sound.text);
}

static void
test_set_aside (Fixture *fixture, gconstpointer data)
{
  g_autofree char *aside = g_build_filename (fixture->folder, "jobs.damaged-1", NULL);
  g_autofree char *kept = NULL;
  g_autoptr (HookrunJournal) journal = NULL;
  Sound sound = {NULL};

  write_run (fixture);
  read_sound (fixture, &sound);
  sound.text[sound.ends[1] + 30] ^= 1;
  put (fixture, sound.text, sound.length);
  journal = open_journal (fixture, HOOKRUN_JOURNAL_SET_ASIDE_DAMAGED);
  g_assert_cmpint (hookrun_journal_get_state (journal), ==, HOOKRUN_RUN_NONE);
  g_assert_true (g_file_get_contents (aside, &kept, NULL, NULL));
  g_assert_cmpstr (kept, ==, sound.text);
  begin (journal);
  g_free (sound.text);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/pipeline/journal/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("truncated-at-every-byte", test_truncated);
  ADD ("flipped-at-every-bit", test_flipped);
  ADD ("lines-lost-doubled-moved", test_moved_lines);
  ADD ("damaged-is-set-aside", test_set_aside);
  return g_test_run ();
}
