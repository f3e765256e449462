/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Learns what module files offer. Each is run by its host in the strictest sandbox: it can read its
 * own file and what a program needs to start, write nothing, and has one second. Modules in C share
 * one host, which forks for each.
 */
#include "hookrun-describe-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hookrun-confined-run-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-module-hosts-private.h"

#define TIME_MS 1000
#define MEMORY (512ull * 1024 * 1024)
#define PROCESSES 16
#define DESCRIPTORS 64
/* The host of modules in C watches each of them itself; this is for the host. */
#define NATIVE_TIME_MS 30000
/* So many that descriptions of the largest size fit into what it may print. */
#define NATIVE_AT_ONCE 200
#define NATIVE_MAX_OUTPUT (64 * 1024 * 1024)
#define MAX_THREADS 4

typedef struct {
  GPtrArray *sets;
  GPtrArray *descriptions; /* GVariant or NULL */
  GPtrArray *problems;     /* GError or NULL */
  GCancellable *cancellable;
} Work;

static HookrunPolicy *
make_policy (HookrunOperationKind kind, guint64 time_ms, GError **error)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new_base ();
  g_autofree char *path = hookrun_module_hosts_path ();

  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_WALL, time_ms);
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_CPU, time_ms);
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_MEMORY, MEMORY);
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_PROCESSES, PROCESSES);
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_DESCRIPTORS, DESCRIPTORS);
  if (!hookrun_policy_set_variable (policy, "PATH", path, error) ||
      !hookrun_module_hosts_grant (policy, kind, error))
    return NULL;
  return g_steal_pointer (&policy);
}

/* ---- one at a time ---- */

static GVariant *
describe_one (HookrunOperationSet *set, GCancellable *cancellable, GError **error)
{
  HookrunAccess access = HOOKRUN_ACCESS_READ |
                         (set->kind == HOOKRUN_OPERATION_EXECUTABLE ? HOOKRUN_ACCESS_EXECUTE : 0);
  g_autofree char *what = g_strdup_printf ("module \"%s\"", set->name);
  g_auto (HookrunConfinedResult) result = {0};
  g_autoptr (HookrunPolicy) policy = make_policy (set->kind, TIME_MS, error);
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (HookrunLaunch) launch = NULL;
  g_auto (GStrv) argv = NULL;
  HookrunConfinedSpec spec = {.what = what, .keep_output = TRUE};

  if (policy == NULL || !hookrun_policy_grant (policy, set->file, access, error))
    return NULL;
  argv = hookrun_module_hosts_describe (set);
  sandbox = hookrun_sandbox_new (policy);
  launch = hookrun_launch_new ((const char *const *)argv);
  spec.sandbox = sandbox;
  spec.launch = launch;
  spec.max_output = HOOKRUN_DESCRIPTION_MAX_SIZE;
  if (!hookrun_confined_run (&spec, &result, cancellable, error) ||
      !hookrun_confined_result_check (&result, what, "describing it", error))
    return NULL;
  return hookrun_description_parse (result.output->str, result.output->len, what, error);
}

static void
describe_in_thread (gpointer data, gpointer user_data)
{
  Work *work = user_data;
  guint index = GPOINTER_TO_UINT (data) - 1;
  GError *problem = NULL;

  /* Every thread has an entry of its own. */
  work->descriptions->pdata[index] =
      describe_one (work->sets->pdata[index], work->cancellable, &problem);
  work->problems->pdata[index] = problem;
}

static void
describe_each (Work *work)
{
  int n_threads = (int)CLAMP (g_get_num_processors (), 1, MAX_THREADS);
  GThreadPool *pool = NULL;

  for (guint i = 0; i < work->sets->len; i++) {
    const HookrunOperationSet *set = work->sets->pdata[i];

    if (set->kind == HOOKRUN_OPERATION_NATIVE)
      continue;
    if (pool == NULL)
      pool = g_thread_pool_new (describe_in_thread, work, n_threads, FALSE, NULL);
    g_thread_pool_push (pool, GUINT_TO_POINTER (i + 1), NULL);
  }
  if (pool != NULL)
    g_thread_pool_free (pool, FALSE, TRUE);
}

/* ---- modules in C, many at a time ---- */

static const struct {
  char letter;
  const char *words;
} stages[] = {
    {'o', "while it was opened (its constructors run then)"},
    {'c', "while its table was checked"},
    {'d', "while it was described"},
};

static const char *
stage_words (char letter)
{
  for (gsize i = 0; i < G_N_ELEMENTS (stages); i++)
    if (stages[i].letter == letter)
      return stages[i].words;
  return "before it was opened";
}

static GError *
native_problem (const HookrunOperationSet *set, const char *how, int number, char stage,
                const char *text, gsize length)
{
  g_autofree char *words = g_utf8_make_valid (text, (gssize)MIN (length, 1000));

  if (g_str_equal (how, "late"))
    return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                        "module \"%s\" reached the time limit of 1 s %s", set->name,
                        stage_words (stage));
  if (g_str_equal (how, "signal"))
    return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED,
                        "module \"%s\" crashed with signal %d (%s) %s", set->name, number,
                        g_strsignal (number), stage_words (stage));
  if (g_str_equal (how, "exit"))
    return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED,
                        "module \"%s\" ended with status %d %s", set->name, number,
                        stage_words (stage));
  return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "module \"%s\": %s", set->name, words);
}

/* One frame of the host; gives the place behind it, or NULL when it is no frame. */
static const char *
take_frame (Work *work, GArray *places, const char *at, const char *end)
{
  const char *newline = memchr (at, '\n', MIN ((gsize)(end - at), 80));
  g_autofree char *head = newline != NULL ? g_strndup (at, (gsize)(newline - at)) : NULL;
  g_autofree char *what = NULL;
  const HookrunOperationSet *set;
  GError *problem = NULL;
  char how[8];
  char stage;
  guint index;
  guint length;
  int number;
  guint place;

  if (head == NULL ||
      sscanf (head, "%u %7s %d %c %u", &index, how, &number, &stage, &length) != 5 ||
      index >= places->len || (gsize)(end - newline - 1) < length)
    return NULL;
  place = g_array_index (places, guint, index);
  set = work->sets->pdata[place];
  if (work->descriptions->pdata[place] != NULL || work->problems->pdata[place] != NULL)
    return NULL;
  what = g_strdup_printf ("module \"%s\"", set->name);
  if (g_str_equal (how, "ok"))
    work->descriptions->pdata[place] =
        hookrun_description_parse (newline + 1, length, what, &problem);
  else
    problem = native_problem (set, how, number, stage, newline + 1, length);
  work->problems->pdata[place] = problem;
  return newline + 1 + length;
}

/* A descriptor from which the host reads the files' names; -1 with @error. */
static int
open_names (Work *work, GArray *places, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  int fd = memfd_create ("modules", MFD_CLOEXEC);

  for (guint i = 0; i < places->len; i++) {
    const HookrunOperationSet *set = work->sets->pdata[g_array_index (places, guint, i)];

    g_string_append_len (names, set->file, (gssize)strlen (set->file) + 1);
  }
  if (fd >= 0 && hookrun_file_write_all (fd, names->str, names->len, "a list of modules", error) &&
      lseek (fd, 0, SEEK_SET) == 0)
    return fd;
  if (fd >= 0)
    close (fd);
  if (error != NULL && *error == NULL)
    hookrun_set_error_from_errno (error, errno, "cannot make a list of modules");
  return -1;
}

/* The host may read the folders of all of them; it confines each of its children to its own file.
 */
static HookrunPolicy *
native_policy (Work *work, GArray *places, GError **error)
{
  g_autoptr (HookrunPolicy) policy =
      make_policy (HOOKRUN_OPERATION_NATIVE, NATIVE_TIME_MS + TIME_MS * places->len, error);
  g_autoptr (GHashTable) folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; policy != NULL && i < places->len; i++) {
    const HookrunOperationSet *set = work->sets->pdata[g_array_index (places, guint, i)];
    char *folder = g_path_get_dirname (set->file);

    if (g_hash_table_add (folders, folder) &&
        !hookrun_policy_grant (policy, folder, HOOKRUN_ACCESS_READ, error))
      return NULL;
  }
  return g_steal_pointer (&policy);
}

static gboolean
run_native_host (Work *work, GArray *places, HookrunConfinedResult *result, GError **error)
{
  g_autoptr (HookrunPolicy) policy = native_policy (work, places, error);
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (HookrunLaunch) launch = NULL;
  g_auto (GStrv) argv = hookrun_module_hosts_native_describe ();
  HookrunConfinedSpec spec = {.what = "the host of modules in C", .keep_output = TRUE};
  gboolean ok;
  int fd;

  if (policy == NULL)
    return FALSE;
  fd = open_names (work, places, error);
  if (fd < 0)
    return FALSE;
  sandbox = hookrun_sandbox_new (policy);
  launch = hookrun_launch_new ((const char *const *)argv);
  hookrun_launch_pass_fd (launch, fd, STDIN_FILENO);
  spec.sandbox = sandbox;
  spec.launch = launch;
  spec.max_output = NATIVE_MAX_OUTPUT;
  ok = hookrun_confined_run (&spec, result, work->cancellable, error) &&
       hookrun_confined_result_check (result, spec.what, NULL, error);
  close (fd);
  return ok;
}

/* What the host said of the modules at @places. @problem: why it said nothing of some. */
static void
describe_together (Work *work, GArray *places, GError **problem)
{
  g_auto (HookrunConfinedResult) result = {0};
  const char *at;
  const char *end;

  if (!run_native_host (work, places, &result, problem))
    return;
  at = result.output->str;
  end = at + result.output->len;
  while (at != NULL && at < end)
    at = take_frame (work, places, at, end);
  g_set_error (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
               "the host of modules in C said nothing of it");
}

static gboolean
is_open (const Work *work, guint place)
{
  return work->descriptions->pdata[place] == NULL && work->problems->pdata[place] == NULL;
}

/* If the host itself came to harm, one of the modules has done it; each by itself finds out which.
 */
static void
describe_apart (Work *work, GArray *places, const GError *problem)
{
  for (guint i = 0; i < places->len; i++) {
    guint place = g_array_index (places, guint, i);
    g_autoptr (GArray) one = g_array_new (FALSE, FALSE, sizeof (guint));
    GError *own = NULL;

    if (!is_open (work, place))
      continue;
    if (places->len > 1 && !g_cancellable_is_cancelled (work->cancellable))
      describe_together (work, g_array_append_val (one, place), &own);
    if (!is_open (work, place)) {
      g_clear_error (&own);
      continue;
    }
    own = own != NULL ? own : g_error_copy (problem);
    g_prefix_error (&own,
                    "module \"%s\": ", ((HookrunOperationSet *)work->sets->pdata[place])->name);
    work->problems->pdata[place] = own;
  }
}

static void
describe_native (Work *work)
{
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i <= work->sets->len; i++) {
    gboolean is_last = i == work->sets->len;
    g_autoptr (GError) problem = NULL;

    if (!is_last && ((HookrunOperationSet *)work->sets->pdata[i])->kind == HOOKRUN_OPERATION_NATIVE)
      g_array_append_val (places, i);
    if (places->len == 0 || (!is_last && places->len < NATIVE_AT_ONCE))
      continue;
    describe_together (work, places, &problem);
    describe_apart (work, places, problem);
    g_array_set_size (places, 0);
  }
}

/* ---- all ---- */

static const HookrunError transient[] = {HOOKRUN_ERROR_CANCELLED, HOOKRUN_ERROR_UNSUPPORTED,
                                         HOOKRUN_ERROR_IO,        HOOKRUN_ERROR_LIMIT,
                                         HOOKRUN_ERROR_PROTOCOL,  HOOKRUN_ERROR_NO_SPACE,
                                         HOOKRUN_ERROR_NOT_FOUND, HOOKRUN_ERROR_PERMISSION};

/* What another try on the same file could end otherwise is not remembered. */
static gboolean
is_transient (const GError *problem)
{
  for (gsize i = 0; i < G_N_ELEMENTS (transient); i++)
    if (problem->code == (int)transient[i])
      return TRUE;
  return FALSE;
}

static void
finish_one (Work *work, guint index, HookrunDescribeCache *cache)
{
  HookrunOperationSet *set = work->sets->pdata[index];
  GVariant *description = work->descriptions->pdata[index];
  GError *problem = g_steal_pointer (&work->problems->pdata[index]);

  if (description != NULL || !is_transient (problem))
    hookrun_describe_cache_store (cache, set, description, problem);
  if (description != NULL)
    hookrun_operation_set_take_description (set, description);
  else
    hookrun_operation_set_take_problem (set, problem);
  g_clear_pointer ((GVariant **)&work->descriptions->pdata[index], g_variant_unref);
}

/* While others run the modules: what they say is kept by the contents of their files. */
static gpointer
hash_all (gpointer data)
{
  GPtrArray *sets = data;

  for (guint i = 0; i < sets->len; i++)
    hookrun_describe_cache_hash (sets->pdata[i]);
  return NULL;
}

gboolean
hookrun_describe_all (GPtrArray *sets, HookrunDescribeCache *cache, GCancellable *cancellable,
                      GError **error)
{
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();
  g_autoptr (GPtrArray) descriptions = g_ptr_array_new ();
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();
  Work work = {missing, descriptions, problems, cancellable};
  GThread *hasher = NULL;

  for (guint i = 0; i < sets->len; i++)
    if (!hookrun_describe_cache_lookup (cache, sets->pdata[i]))
      g_ptr_array_add (missing, sets->pdata[i]);
  g_ptr_array_set_size (descriptions, (int)missing->len);
  g_ptr_array_set_size (problems, (int)missing->len);
  if (missing->len > 0)
    hasher = g_thread_new ("hash", hash_all, missing);
  describe_each (&work);
  describe_native (&work);
  if (hasher != NULL)
    g_thread_join (hasher);
  for (guint i = 0; i < missing->len; i++)
    finish_one (&work, i, cache);
  if (!g_cancellable_is_cancelled (cancellable))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
               "the listing of modules was cancelled");
  return FALSE;
}
