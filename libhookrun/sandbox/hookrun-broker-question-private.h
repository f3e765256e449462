/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One question to the broker, and finding what it is about. */
#pragma once

#include <linux/seccomp.h>

#include "hookrun-broker-private.h"

G_BEGIN_DECLS

typedef struct {
  char *path; /* as the kernel names the folder or file */
  int fd;
  gboolean is_folder;
} HookrunPlace;

struct _HookrunBroker {
  gatomicrefcount references;
  HookrunLayer layers;
  GArray *places;
};

/* One question, with what it is about. */
typedef struct {
  HookrunBroker *broker;
  int listener;
  pid_t group; /* of the process that asks, and of its whole tree */
  const struct seccomp_notif *call;
} HookrunQuestion;

/* (nullable): where the kernel says that the link of a descriptor leads. */
char *hookrun_name_of_link (const char *link);

/* Copies @length bytes from the program's memory, all or nothing. */
gboolean hookrun_question_copy_bytes (const HookrunQuestion *question, guint64 address,
                                      gpointer buffer, gsize length);
/* The question is still the one that was asked: its process was not replaced by another one. */
gboolean hookrun_question_is_current (const HookrunQuestion *question);
/* A descriptor (O_PATH) of the granted file that the path at @address means; -1 with errno. */
int hookrun_question_open_path (const HookrunQuestion *question, int folder_fd, guint64 address,
                                gboolean follow);
/* The same for a descriptor of the program. */
int hookrun_question_open_descriptor (const HookrunQuestion *question, int fd);

G_END_DECLS
