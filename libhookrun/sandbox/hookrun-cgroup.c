/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Control groups for trees, as far as the place has controllers for the limits of a policy. A group
 * whose tree is gone waits for the next one, because an entry costs a hundredth of what making and
 * removing does. Each is locked while its host lives: an unlocked one is what a killed host left.
 */
#include "hookrun-cgroup-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "hookrun-"
#define MAX_IDLE 4
#define TRIES 10
/* Of the limit: what a tree may leave charged to the group, file contents in memory for example. */
#define MAX_LEFT 16
/* Of the limit: how much more processor time than it a tree may get before that is seen, because
 * reading how much earlier trees used takes longer than many of them. */
#define MAX_UNREAD 100

/* What each limit takes: a controller, or none where the kernel counts anyway; the file for it; the
 * number that tells how often the tree ran into it, or how much it used; and what shows that a tree
 * left something. */
static const struct {
  HookrunLimit limit;
  const char *controller;
  const char *file; /* NULL: the kernel only counts */
  const char *counter_file;
  const char *counter;
  const char *rest_file;
} rows[] = {
    {HOOKRUN_LIMIT_MEMORY, "memory", "memory.max", "memory.events", "oom", "memory.current"},
    {HOOKRUN_LIMIT_PROCESSES, "pids", "pids.max", "pids.events", "max", "pids.current"},
    {HOOKRUN_LIMIT_CPU, NULL, NULL, "cpu.stat", "usage_usec", NULL},
};
#define N_ROWS G_N_ELEMENTS (rows)

struct _HookrunCgroups {
  gatomicrefcount references;
  int place;
  gboolean keeps[N_ROWS];
  guint64 limits[N_ROWS];
  GMutex lock;
  GQueue idle; /* HookrunCgroup */
};

struct _HookrunCgroup {
  HookrunCgroups *home; /* NULL while it waits */
  char name[32];
  int fd; /* locked */
  int entry_fd;
  int counter_fds[N_ROWS];
  int rest_fds[N_ROWS];
  gboolean was_killed;
  guint64 at_start[N_ROWS]; /* of the counters */
  guint64 unread_us;        /* at most as much processor time was used since cpu.stat was read */
  const HookrunCgroups *rules;
};

/* ---- files of the hierarchy ---- */

static gboolean
put (int folder, const char *name, const char *text)
{
  int fd = openat (folder, name, O_WRONLY | O_CLOEXEC);
  gboolean is_written = fd >= 0 && write (fd, text, strlen (text)) >= 0;
  int saved_errno = errno;

  if (fd >= 0)
    close (fd);
  errno = saved_errno;
  return is_written;
}

/* The number after @key at the beginning of a line; without a key, the first. Where a controller
 * was taken away it is beyond everything. */
static guint64
get (int fd, const char *key)
{
  char text[1024];
  ssize_t length = pread (fd, text, sizeof text - 1, 0);
  gsize key_length = key != NULL ? strlen (key) : 0;

  if (length <= 0)
    return G_MAXUINT64;
  text[length] = '\0';
  for (const char *line = text; line != NULL; line = strchr (line, '\n')) {
    line += *line == '\n';
    if (key == NULL || (strncmp (line, key, key_length) == 0 && line[key_length] == ' '))
      return g_ascii_strtoull (line + key_length, NULL, 10);
  }
  return 0;
}

/* ---- one group ---- */

static void
close_fd (int fd)
{
  if (fd >= 0)
    close (fd);
}

static void
cgroup_free (HookrunCgroup *self)
{
  for (guint i = 0; i < N_ROWS; i++) {
    close_fd (self->counter_fds[i]);
    close_fd (self->rest_fds[i]);
  }
  close_fd (self->entry_fd);
  close_fd (self->fd);
  g_free (self);
}

/* The dead leave a moment after they can be seen no more. What cannot be removed now is, unlocked,
 * at the next start. */
static void
cgroup_remove (HookrunCgroup *self, int place)
{
  for (int i = 0; i < TRIES && unlinkat (place, self->name, AT_REMOVEDIR) < 0 && errno == EBUSY;
       i++)
    g_usleep (1000);
  cgroup_free (self);
}

/* In a group that holds processes only counts of threads can be split up, and only among groups
 * that are part of it: those must say so. */
static gboolean
set_type (HookrunCgroup *self)
{
  char text[64];
  int fd = openat (self->fd, "cgroup.type", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd >= 0 ? read (fd, text, sizeof text - 1) : -1;

  close_fd (fd);
  if (length < 0)
    return FALSE;
  text[length] = '\0';
  return !g_str_has_prefix (text, "domain invalid") || put (self->fd, "cgroup.type", "threaded");
}

static gboolean
set_limits (HookrunCgroup *self, const HookrunCgroups *home)
{
  for (guint i = 0; i < N_ROWS; i++) {
    char value[32];

    if (!home->keeps[i] || rows[i].file == NULL)
      continue;
    g_snprintf (value, sizeof value, "%" G_GUINT64_FORMAT, home->limits[i]);
    if (!put (self->fd, rows[i].file, value))
      return FALSE;
  }
  /* Where there is no swap there is no such file. */
  put (self->fd, "memory.swap.max", "0");
  put (self->fd, "memory.oom.group", "1");
  return TRUE;
}

static gboolean
open_files (HookrunCgroup *self, const HookrunCgroups *home)
{
  for (guint i = 0; i < N_ROWS; i++) {
    if (!home->keeps[i])
      continue;
    self->counter_fds[i] = openat (self->fd, rows[i].counter_file, O_RDONLY | O_CLOEXEC);
    if (rows[i].rest_file != NULL)
      self->rest_fds[i] = openat (self->fd, rows[i].rest_file, O_RDONLY | O_CLOEXEC);
    if (self->counter_fds[i] < 0 || (rows[i].rest_file != NULL && self->rest_fds[i] < 0))
      return FALSE;
  }
  self->entry_fd = openat (self->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  return self->entry_fd >= 0;
}

/* NULL with errno. */
static HookrunCgroup *
try_new (HookrunCgroups *home)
{
  HookrunCgroup *self = g_new0 (HookrunCgroup, 1);
  int saved_errno;

  self->entry_fd = -1;
  memset (self->counter_fds, -1, sizeof self->counter_fds);
  memset (self->rest_fds, -1, sizeof self->rest_fds);
  self->rules = home;
  g_snprintf (self->name, sizeof self->name, PREFIX "%08x", g_random_int ());
  self->fd = -1;
  if (mkdirat (home->place, self->name, 0755) == 0)
    self->fd = openat (home->place, self->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->fd >= 0 && flock (self->fd, LOCK_EX | LOCK_NB) == 0 && set_type (self) &&
      set_limits (self, home) && open_files (self, home))
    return self;
  saved_errno = errno;
  if (self->fd >= 0)
    unlinkat (home->place, self->name, AT_REMOVEDIR);
  cgroup_free (self);
  errno = saved_errno;
  return NULL;
}

/* Another host that sweeps may take a new group for one that was left, until it is locked. */
static HookrunCgroup *
cgroup_new (HookrunCgroups *home)
{
  HookrunCgroup *self = NULL;

  for (int i = 0; i < TRIES && self == NULL; i++)
    self = try_new (home);
  return self;
}

static gboolean
is_fit_for_use (const HookrunCgroup *self, const HookrunCgroups *home)
{
  if (self->was_killed)
    return FALSE;
  for (guint i = 0; i < N_ROWS; i++) {
    guint64 most = rows[i].limit == HOOKRUN_LIMIT_MEMORY ? home->limits[i] / MAX_LEFT : 0;

    if (self->rest_fds[i] >= 0 && get (self->rest_fds[i], NULL) > most)
      return FALSE;
  }
  return TRUE;
}

void
hookrun_cgroup_give_back (HookrunCgroup *self, guint64 wall_us)
{
  HookrunCgroups *home = g_steal_pointer (&self->home);
  gboolean is_kept = is_fit_for_use (self, home);

  self->unread_us += wall_us * g_get_num_processors ();
  g_mutex_lock (&home->lock);
  is_kept = is_kept && g_queue_get_length (&home->idle) < MAX_IDLE;
  if (is_kept)
    g_queue_push_head (&home->idle, self);
  g_mutex_unlock (&home->lock);
  if (!is_kept)
    cgroup_remove (self, home->place);
  hookrun_cgroups_unref (home);
}

int
hookrun_cgroup_fd (const HookrunCgroup *self)
{
  return self->fd;
}

int
hookrun_cgroup_entry_fd (const HookrunCgroup *self)
{
  return self->entry_fd;
}

gboolean
hookrun_cgroup_keeps (const HookrunCgroup *self, HookrunLimit limit)
{
  return hookrun_cgroups_keeps (self->rules, limit);
}

/* Without a file for it a limit is only counted: in microseconds, and given in milliseconds. */
HookrunLimit
hookrun_cgroup_look (const HookrunCgroup *self)
{
  for (guint i = 0; i < N_ROWS; i++) {
    gboolean is_time = rows[i].file == NULL;
    guint64 most = is_time ? self->rules->limits[i] * 1000 + self->unread_us : 0;

    if (self->rules->keeps[i] &&
        get (self->counter_fds[i], rows[i].counter) > self->at_start[i] + most)
      return rows[i].limit;
  }
  return HOOKRUN_LIMIT_NONE;
}

/* Some kernels (seen on 6.18) take whoever is born into a group that was once killed for one that
 * was there before, and kill it, too: such a group serves no other tree. */
void
hookrun_cgroup_kill (HookrunCgroup *self)
{
  self->was_killed = TRUE;
  put (self->fd, "cgroup.kill", "1");
}

/* ---- the place ---- */

/* Groups that nobody locks are what a killed host left. */
static void
sweep (int place)
{
  int fd = openat (place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
  struct dirent *entry;

  while (folder != NULL && (entry = readdir (folder)) != NULL) {
    int left;

    if (!g_str_has_prefix (entry->d_name, PREFIX))
      continue;
    left = openat (place, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (left >= 0 && flock (left, LOCK_EX | LOCK_NB) == 0) {
      put (left, "cgroup.kill", "1");
      for (int i = 0;
           i < TRIES && unlinkat (place, entry->d_name, AT_REMOVEDIR) < 0 && errno == EBUSY; i++)
        g_usleep (1000);
    }
    if (left >= 0)
      close (left);
  }
  if (folder != NULL)
    closedir (folder);
  else if (fd >= 0)
    close (fd);
}

/* What the policy limits and the place can keep. A launch into a group costs a twentieth more: not
 * for processor time alone, when what grows faster than anybody looks is not kept. */
static gboolean
choose (HookrunCgroups *self, HookrunPolicy *policy)
{
  const char *controllers[N_ROWS + 1] = {NULL};
  gboolean has[N_ROWS + 1] = {FALSE};
  guint n = 0;
  guint n_kept = 0;
  gboolean keeps_time = FALSE;

  for (guint i = 0; i < N_ROWS; i++) {
    self->limits[i] = policy->limits[rows[i].limit];
    if (self->limits[i] != 0 && rows[i].controller != NULL)
      controllers[n++] = rows[i].controller;
  }
  self->place = hookrun_cgroup_find_place (controllers, has);
  if (self->place < 0)
    return FALSE;
  for (guint i = 0, next = 0; i < N_ROWS; i++) {
    gboolean has_controller = rows[i].controller != NULL;

    self->keeps[i] = self->limits[i] != 0 && (!has_controller || has[next++]);
    keeps_time = keeps_time || (self->keeps[i] && !has_controller);
    n_kept += self->keeps[i] && has_controller ? 1 : 0;
  }
  return n_kept > 0 || (n == 0 && keeps_time);
}

HookrunCgroups *
hookrun_cgroups_new (HookrunPolicy *policy)
{
  g_autoptr (HookrunCgroups) self = NULL;
  HookrunCgroup *first;

  if (policy->limits[HOOKRUN_LIMIT_MEMORY] == 0 && policy->limits[HOOKRUN_LIMIT_PROCESSES] == 0 &&
      policy->limits[HOOKRUN_LIMIT_CPU] == 0)
    return NULL;
  self = g_new0 (HookrunCgroups, 1);
  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  g_queue_init (&self->idle);
  if (!choose (self, policy))
    return NULL;
  sweep (self->place);
  first = cgroup_new (self);
  if (first == NULL)
    return NULL;
  g_queue_push_head (&self->idle, first);
  return g_steal_pointer (&self);
}

HookrunCgroups *
hookrun_cgroups_ref (HookrunCgroups *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
hookrun_cgroups_unref (HookrunCgroups *self)
{
  HookrunCgroup *idle;

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  while ((idle = g_queue_pop_head (&self->idle)) != NULL)
    cgroup_remove (idle, self->place);
  if (self->place >= 0)
    close (self->place);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
hookrun_cgroups_keeps (const HookrunCgroups *self, HookrunLimit limit)
{
  for (guint i = 0; i < N_ROWS; i++)
    if (rows[i].limit == limit)
      return self->keeps[i];
  return FALSE;
}

/* What the next tree is counted from. */
static void
start_counting (HookrunCgroup *self)
{
  for (guint i = 0; i < N_ROWS; i++) {
    gboolean is_time = rows[i].file == NULL;

    if (!self->rules->keeps[i] ||
        (is_time && self->unread_us <= self->rules->limits[i] * 1000 / MAX_UNREAD))
      continue;
    self->at_start[i] = get (self->counter_fds[i], rows[i].counter);
    if (is_time)
      self->unread_us = 0;
  }
}

HookrunCgroup *
hookrun_cgroups_take (HookrunCgroups *self)
{
  HookrunCgroup *cgroup;

  g_mutex_lock (&self->lock);
  cgroup = g_queue_pop_head (&self->idle);
  g_mutex_unlock (&self->lock);
  if (cgroup == NULL)
    cgroup = cgroup_new (self);
  if (cgroup == NULL)
    return NULL;
  cgroup->home = hookrun_cgroups_ref (self);
  start_counting (cgroup);
  return cgroup;
}
