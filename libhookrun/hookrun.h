/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one header a program includes. It names every public type of libhookrun; a sub-header
 * included on its own is an error.
 */
#pragma once

#define HOOKRUN_H_INSIDE

#include "hookrun-version.h"
#include "hookrun-error.h"
#include "hookrun-template.h"
#include "hookrun-data.h"
#include "hookrun-registry.h"
#include "hookrun-policy.h"
#include "hookrun-denial.h"
#include "hookrun-sandbox.h"
#include "hookrun-staging-change.h"
#include "hookrun-staging.h"
#include "hookrun-staging-stage.h"
#include "hookrun-target.h"
#include "hookrun-sync.h"
#include "hookrun-layout.h"
#include "hookrun-manifest.h"
#include "hookrun-worker.h"
#include "hookrun-plugin.h"
#include "hookrun-engine.h"
#include "hookrun-journal.h"
#include "hookrun-step.h"
#include "hookrun-pipeline.h"
#include "hookrun-project.h"
#include "hookrun-module.h"
#include "hookrun-operation.h"
#include "hookrun-operation-set.h"
#include "hookrun-module-native.h"
#include "hookrun-module-state.h"
#include "hookrun-module-path.h"
#include "hookrun-operation-run.h"
#include "hookrun-change.h"
#include "hookrun-watcher.h"
#include "hookrun-source.h"
#include "hookrun-deployment.h"

#undef HOOKRUN_H_INSIDE
