/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fuzz target without a fuzzer: every seed of its corpus, then a fixed number of mutations
 * of them from a seed that is printed, so that a failure comes again. Speaks TAP. A crash prints
 * the number of the run and leaves the input in the working folder.
 *
 * Usage: fuzz-NAME NAME CORPUS-FOLDER [RUNS [SEED]]    or    fuzz-NAME --input FILE
 */
#include <glib.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_RUNS 20000
#define DEFAULT_SEED 20260101
#define TIME_LIMIT_US (20 * G_USEC_PER_SEC)
#define LONGEST_INPUT 65536

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* What runs now, for the report of a crash. */
static struct {
  const uint8_t *data;
  size_t size;
  char file[128];
} current;

static void
report_crash (int number)
{
  int fd = open (current.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ssize_t written = fd < 0 ? -1 : write (fd, current.data, current.size);

  if (written == (ssize_t)current.size && write (1, "# the input is in ", 18) == 18 &&
      write (1, current.file, strlen (current.file)) > 0)
    (void)!write (1, "\n", 1);
  signal (number, SIG_DFL);
  raise (number);
}

static void
run_one (const uint8_t *data, size_t size)
{
  /* A copy of exactly this size, so that a read past its end is seen by sanitizer and valgrind. */
  g_autofree uint8_t *copy = g_malloc (size > 0 ? size : 1);

  if (size > 0)
    memcpy (copy, data, size);
  current.data = copy;
  current.size = size;
  LLVMFuzzerTestOneInput (copy, size);
  current.data = NULL;
  current.size = 0;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *
load_corpus (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (const char *name = dir ? g_dir_read_name (dir) : NULL; name; name = g_dir_read_name (dir))
    g_ptr_array_add (names, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++) {
    char *text = NULL;
    gsize length = 0;

    if (g_file_get_contents (names->pdata[i], &text, &length, NULL))
      g_ptr_array_add (inputs, g_bytes_new_take (text, length));
  }
  return inputs;
}

/* Bytes that mean something to text formats come more often than chance would have it. */
static guint8
interesting_byte (GRand *rand)
{
  static const char bytes[] = "{}[]\",:\\\n\r\t\0 %()=;#-+.0919eE\x7f\x80\xc3\xff";

  return (guint8)bytes[g_rand_int_range (rand, 0, (gint32)sizeof bytes - 1)];
}

static guint
position (GRand *rand, guint end)
{
  return end == 0 ? 0 : (guint)g_rand_int_range (rand, 0, (gint32)end);
}

/* Copies a piece of @other over or into @input. */
static void
insert_piece (GByteArray *input, GBytes *other, GRand *rand)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (other, &size);
  guint from = position (rand, (guint)size);
  guint length = position (rand, (guint)size - from + 1);
  guint at = position (rand, input->len + 1);
  guint tail = input->len - at;

  if (length == 0 || input->len + length > LONGEST_INPUT)
    return;
  g_byte_array_set_size (input, input->len + length);
  memmove (input->data + at + length, input->data + at, tail);
  memcpy (input->data + at, data + from, length);
}

/* Repeats a short piece many times: depth and length are what limits are for. */
static void
repeat (GByteArray *input, GRand *rand)
{
  guint at = position (rand, input->len);
  guint wanted = 1 + position (rand, 4);
  guint length = MIN (wanted, input->len - at);
  guint times = 1u << position (rand, 12);
  g_autofree guint8 *piece = g_memdup2 (input->data + at, length);

  for (guint i = 0; length > 0 && i < times && input->len + length <= LONGEST_INPUT; i++)
    g_byte_array_append (input, piece, length);
}

static void
mutate_once (GByteArray *input, GPtrArray *corpus, GRand *rand)
{
  guint at = position (rand, input->len);

  switch (g_rand_int_range (rand, 0, 8)) {
  case 0:
  case 1:
    if (input->len > 0)
      input->data[at] = interesting_byte (rand);
    break;
  case 2:
    if (input->len > 0)
      input->data[at] ^= (guint8)(1u << position (rand, 8));
    break;
  case 3:
    if (input->len > 0)
      g_byte_array_remove_range (input, at, 1 + position (rand, input->len - at));
    break;
  case 4:
    g_byte_array_set_size (input, position (rand, input->len + 1));
    break;
  case 5:
    insert_piece (input, corpus->pdata[position (rand, corpus->len)], rand);
    break;
  case 6:
    repeat (input, rand);
    break;
  default: {
    guint8 byte = interesting_byte (rand);
    g_autoptr (GBytes) one = g_bytes_new (&byte, 1);

    insert_piece (input, one, rand);
  }
  }
}

static guint
run_mutations (GPtrArray *corpus, guint runs, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  gint64 deadline = g_get_monotonic_time () + TIME_LIMIT_US;
  guint done = 0;

  for (; done < runs && g_get_monotonic_time () < deadline; done++) {
    GBytes *origin = corpus->pdata[position (rand, corpus->len)];
    g_autoptr (GByteArray) input = g_byte_array_new ();
    guint changes = 1 + position (rand, 6);

    g_byte_array_append (input, g_bytes_get_data (origin, NULL), (guint)g_bytes_get_size (origin));
    for (guint i = 0; i < changes; i++)
      mutate_once (input, corpus, rand);
    run_one (input->data, input->len);
  }
  return done;
}

static int
run_file (const char *path)
{
  g_autofree char *text = NULL;
  gsize length = 0;

  if (!g_file_get_contents (path, &text, &length, NULL))
    return 1;
  run_one ((const uint8_t *)text, length);
  return 0;
}

int
main (int argc, char **argv)
{
  static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  g_autoptr (GPtrArray) corpus = NULL;
  guint runs, done;
  guint32 seed;

  if (argc == 3 && strcmp (argv[1], "--input") == 0)
    return run_file (argv[2]);
  if (argc < 3)
    return 2;
  g_snprintf (current.file, sizeof current.file, "crash-%s", argv[1]);
  for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++)
    signal (fatal[i], report_crash);

  corpus = load_corpus (argv[2]);
  runs = argc > 3 ? (guint)strtoul (argv[3], NULL, 10) : DEFAULT_RUNS;
  seed = argc > 4 ? (guint32)strtoul (argv[4], NULL, 10) : DEFAULT_SEED;
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_print ("1..2\n# seed %u\n", seed);
  for (guint i = 0; i < corpus->len; i++)
    run_one (g_bytes_get_data (corpus->pdata[i], NULL), g_bytes_get_size (corpus->pdata[i]));
  g_print ("%s 1 /fuzz/%s/corpus %u inputs\n", corpus->len ? "ok" : "not ok", argv[1], corpus->len);
  if (corpus->len == 0)
    return 1;
  done = run_mutations (corpus, runs, seed);
  g_print ("ok 2 /fuzz/%s/mutations %u of %u runs\n", argv[1], done, runs);
  return 0;
}
