/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Totals of a tree: what its control group ran into, where the kernel keeps them there. The others
 * are read from /proc now and then for the process group: memory, processor time, processes, and
 * by how much the writable folders grew. What one process can do between two looks is bounded by
 * its rlimits. The pauses grow with what a look costs, so that looking never takes much time.
 */
#include "hookrun-totals-private.h"
#include "hookrun-disk-use-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PAUSE_US (20 * 1000)
/* One cheap call tells how many processes and threads there are on the whole machine. */
#define QUICK_PAUSE_US (2 * 1000)
#define DISK_PAUSE_US (50 * 1000)
/* A look may take this part of the time at most. */
#define MAX_SHARE 10

struct _HookrunTotals {
  HookrunPolicy *policy;
  pid_t group;
  HookrunCgroup *cgroup;            /* NULL: none */
  guint64 limits[HOOKRUN_N_LIMITS]; /* that are looked after here; 0: none */
  guint64 others; /* processes and threads of the machine, when the tree was last counted */
  gint64 next_quick_look;
  gint64 earliest_look; /* so that looking does not take much time */
  gint64 next_look;
  HookrunDiskUse *disk;
  gint64 next_disk;
};

typedef struct {
  guint processes; /* threads among them */
  gboolean lives;  /* one of them is not dead yet */
  guint64 ticks;
  guint64 pages;
} Use;

/* The numbers of /proc/PID/stat after the program's name, which may contain anything. */
typedef enum {
  FIELD_STATE = 0, /* a letter */
  FIELD_GROUP = 2,
  FIELD_USER_TICKS = 11,
  FIELD_SYSTEM_TICKS = 12,
  FIELD_CHILDREN_USER_TICKS = 13,
  FIELD_CHILDREN_SYSTEM_TICKS = 14,
  FIELD_THREADS = 17,
  FIELD_RESIDENT = 21,
  N_FIELDS = 22,
} Field;

static gboolean
read_stat (int proc, const char *pid, gint64 fields[N_FIELDS])
{
  char path[64];
  char text[1024];
  char *at;
  ssize_t length;
  int fd;

  g_snprintf (path, sizeof path, "%s/stat", pid);
  fd = openat (proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  length = read (fd, text, sizeof text - 1);
  close (fd);
  if (length <= 0)
    return FALSE;
  text[length] = '\0';
  at = strrchr (text, ')');
  if (at == NULL || at[1] != ' ' || at[2] == '\0')
    return FALSE;
  fields[FIELD_STATE] = at[2];
  at += 3;
  for (int i = 1; i < N_FIELDS; i++)
    fields[i] = strtoll (at, &at, 10);
  return TRUE;
}

static gboolean
measure (pid_t group, Use *use)
{
  DIR *proc = opendir ("/proc");
  struct dirent *entry;

  memset (use, 0, sizeof *use);
  if (proc == NULL)
    return FALSE;
  while ((entry = readdir (proc)) != NULL) {
    gint64 fields[N_FIELDS];

    /* Numbers are given upwards; those that started over are looked at, too. */
    if (!g_ascii_isdigit (entry->d_name[0]) || !read_stat (dirfd (proc), entry->d_name, fields) ||
        fields[FIELD_GROUP] != group)
      continue;
    use->processes += (guint)MAX (fields[FIELD_THREADS], 1);
    use->lives = use->lives || (fields[FIELD_STATE] != 'Z' && fields[FIELD_STATE] != 'X');
    use->ticks +=
        (guint64)(fields[FIELD_USER_TICKS] + fields[FIELD_SYSTEM_TICKS] +
                  fields[FIELD_CHILDREN_USER_TICKS] + fields[FIELD_CHILDREN_SYSTEM_TICKS]);
    use->pages += (guint64)MAX (fields[FIELD_RESIDENT], 0);
  }
  closedir (proc);
  return TRUE;
}

guint
hookrun_totals_count_group (pid_t group)
{
  Use use;

  return measure (group, &use) ? use.processes : 0;
}

gboolean
hookrun_totals_group_lives (pid_t group)
{
  Use use;

  return !measure (group, &use) || use.lives;
}

/* What the processes of the group share is counted once: exact, and dear. */
static guint64
measure_shares (pid_t group)
{
  DIR *proc = opendir ("/proc");
  struct dirent *entry;
  guint64 total = 0;

  while (proc != NULL && (entry = readdir (proc)) != NULL) {
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    gint64 fields[N_FIELDS];
    const char *at;

    if (!g_ascii_isdigit (entry->d_name[0]) || !read_stat (dirfd (proc), entry->d_name, fields) ||
        fields[FIELD_GROUP] != group)
      continue;
    path = g_strdup_printf ("/proc/%s/smaps_rollup", entry->d_name);
    if (!g_file_get_contents (path, &text, NULL, NULL))
      continue;
    at = strstr (text, "\nPss:");
    if (at != NULL)
      total += g_ascii_strtoull (at + 5, NULL, 10) * 1024;
    at = strstr (text, "\nSwapPss:");
    if (at != NULL)
      total += g_ascii_strtoull (at + 9, NULL, 10) * 1024;
  }
  if (proc != NULL)
    closedir (proc);
  return total;
}

static guint64
count_machine (void)
{
  struct sysinfo machine;

  return sysinfo (&machine) == 0 ? machine.procs : 0;
}

static gboolean
has_counts (const guint64 *limits)
{
  return limits[HOOKRUN_LIMIT_MEMORY] != 0 || limits[HOOKRUN_LIMIT_PROCESSES] != 0 ||
         limits[HOOKRUN_LIMIT_CPU] != 0;
}

HookrunTotals *
hookrun_totals_new (HookrunPolicy *policy, pid_t group, HookrunCgroup *cgroup)
{
  const guint64 *limits = policy->limits;
  gboolean counts = has_counts (limits);
  HookrunTotals *self;
  gint64 now = g_get_monotonic_time ();

  if (!counts && limits[HOOKRUN_LIMIT_DISK] == 0)
    return NULL;
  self = g_new0 (HookrunTotals, 1);
  self->policy = policy;
  self->group = group;
  self->cgroup = cgroup;
  for (guint i = 0; i < HOOKRUN_N_LIMITS; i++)
    if (cgroup == NULL || !hookrun_cgroup_keeps (cgroup, (HookrunLimit)i))
      self->limits[i] = limits[i];
  self->next_look = counts ? now + PAUSE_US : G_MAXINT64;
  self->next_quick_look =
      self->limits[HOOKRUN_LIMIT_PROCESSES] != 0 ? now + QUICK_PAUSE_US : G_MAXINT64;
  self->others = self->limits[HOOKRUN_LIMIT_PROCESSES] != 0 ? count_machine () : 0;
  self->next_disk = G_MAXINT64;
  if (limits[HOOKRUN_LIMIT_DISK] != 0)
    self->next_disk = now; /* what is there at the start is counted at once */
  return self;
}

void
hookrun_totals_free (HookrunTotals *self)
{
  g_clear_pointer (&self->disk, hookrun_disk_use_free);
  g_free (self);
}

HookrunLimit
hookrun_totals_kept (HookrunTotals *self)
{
  return self->cgroup != NULL ? hookrun_cgroup_look (self->cgroup) : HOOKRUN_LIMIT_NONE;
}

static HookrunLimit
check_group (HookrunTotals *self)
{
  const guint64 *limits = self->limits;
  guint64 memory = limits[HOOKRUN_LIMIT_MEMORY];
  HookrunLimit kept = hookrun_totals_kept (self);
  Use use;

  if (kept != HOOKRUN_LIMIT_NONE)
    return kept;
  if (!has_counts (limits) || !measure (self->group, &use))
    return HOOKRUN_LIMIT_NONE;
  self->others = count_machine ();
  self->others -= MIN (self->others, use.processes);
  if (limits[HOOKRUN_LIMIT_PROCESSES] != 0 && use.processes > limits[HOOKRUN_LIMIT_PROCESSES])
    return HOOKRUN_LIMIT_PROCESSES;
  if (limits[HOOKRUN_LIMIT_CPU] != 0 &&
      use.ticks * 1000 / (guint64)sysconf (_SC_CLK_TCK) > limits[HOOKRUN_LIMIT_CPU])
    return HOOKRUN_LIMIT_CPU;
  if (memory != 0 && use.pages * (guint64)sysconf (_SC_PAGESIZE) > memory &&
      measure_shares (self->group) > memory)
    return HOOKRUN_LIMIT_MEMORY;
  return HOOKRUN_LIMIT_NONE;
}

static HookrunLimit
check_disk (HookrunTotals *self)
{
  if (self->disk == NULL) {
    self->disk = hookrun_disk_use_new (self->policy);
    return HOOKRUN_LIMIT_NONE;
  }
  return hookrun_disk_use_growth (self->disk, self->group) >
                 self->policy->limits[HOOKRUN_LIMIT_DISK]
             ? HOOKRUN_LIMIT_DISK
             : HOOKRUN_LIMIT_NONE;
}

static gint64
after_pause (gint64 begun, gint64 pause)
{
  gint64 now = g_get_monotonic_time ();

  return now + MAX (pause, (now - begun) * MAX_SHARE);
}

HookrunLimit
hookrun_totals_check (HookrunTotals *self, gint64 now)
{
  HookrunLimit limit = HOOKRUN_LIMIT_NONE;

  if (now >= self->next_quick_look) {
    self->next_quick_look = now + QUICK_PAUSE_US;
    if (count_machine () > self->others + self->limits[HOOKRUN_LIMIT_PROCESSES] &&
        now >= self->earliest_look)
      self->next_look = now;
  }
  if (now >= self->next_look) {
    limit = check_group (self);
    self->earliest_look = after_pause (now, 0);
    self->next_look = MAX (self->earliest_look, now + PAUSE_US);
  }
  if (limit == HOOKRUN_LIMIT_NONE && now >= self->next_disk) {
    limit = check_disk (self);
    self->next_disk = after_pause (now, DISK_PAUSE_US);
  }
  return limit;
}

gint64
hookrun_totals_next (HookrunTotals *self)
{
  return MIN (MIN (self->next_look, self->next_quick_look), self->next_disk);
}
