# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tries all of hookrun's own interface."""
import logging
import time

import hookrun_worker as hookrun


def options(group):
    group.add_argument("--greeting", default="hello", metavar="TEXT", help="What to say")
    group.add_argument("--times", type=int, default=1)
    group.add_argument("-q", "--quiet", action="store_true")


@hookrun.on("test.signal", before=["own"], after="nobody", priority=-1, timeout=2.5)
def change(event):
    print("printed, with a newline\nand more")
    hookrun.log.warning("logged for %s", event.subject)
    event.data["text"] = "%s from Python" % event.context.settings.get("greeting", "nothing")
    event.data["nested"]["b"] = [1, {"c": 2}]
    del event.data["gone"]
    event.data["_kept"] = object()


@hookrun.on("test.signal", id="second")
@hookrun.on("test.other", id="second-other")
def second(event):
    if "_kept" not in event.data:
        event.fail("the private value is gone")
    return hookrun.HANDLED


@hookrun.on("test.veto")
def veto(event):
    event.data["text"] = "never seen"
    event.fail("not on a Friday")


@hookrun.on("test.wrap")
def wrap(event):
    event.data["before"] = True
    verdict = event.proceed()
    event.data["after"] = event.data.get("by_others")
    return verdict


@hookrun.on("test.emit")
def emit(event):
    event.data["mine"] = 1
    event.emit("test.inner", {"x": 1})
    event.data["mine"] = 2


@hookrun.on("test.call")
def call(event):
    try:
        event.call("service.missing")
    except hookrun.HostError as error:
        event.data["refused"] = "%s %d" % (error.name, error.code)
    event.data["answer"] = event.call("service.double", number=21)


@hookrun.on("test.error")
def error(event):
    helper({})


def helper(values):
    return values["missing"]


@hookrun.on("test.exit")
def leave(event):
    raise SystemExit(3)


@hookrun.on("test.sleep")
def sleep(event):
    time.sleep(600)


@hookrun.on("test.bad-data")
def bad_data(event):
    event.data["thing"] = object()


@hookrun.on("test.bad-verdict")
def bad_verdict(event):
    return "yes"


def activate(context):
    logging.getLogger("own").info("active for %s", context.subject)
    context.define_signal("own.signal", [{"name": "n", "type": "int"}])
    context.on("own.signal", lambda event: None, id="own-lambda")


def deactivate(context):
    print("goodbye from %s" % context.plugin)
