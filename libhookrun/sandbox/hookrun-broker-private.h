/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers calls that neither Landlock nor a filter can judge: the modes and times of files. */
#pragma once

#include <sys/types.h>

#include "hookrun-landlock-private.h"
#include "hookrun-tree-private.h"

G_BEGIN_DECLS

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* Room for one message of the kernel's; larger ones are not known. */
#define HOOKRUN_BROKER_MESSAGE_SIZE 512

/* Keeps the writable ones of @grants (HookrunOpenGrant). */
HookrunBroker *hookrun_broker_new (GPtrArray *grants, HookrunLayer layers, GError **error);
HookrunBroker *hookrun_broker_ref (HookrunBroker *self);
void hookrun_broker_unref (HookrunBroker *self);

/* Answers one question; FALSE when there will be no more. */
gboolean hookrun_broker_answer (HookrunBroker *self, int listener);

G_END_DECLS
