# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write hookrun plugins in Python.

A plugin is a file (or an importable module). Its handlers are functions with a decorator::

    import hookrun_worker as hookrun

    @hookrun.on("source.post-send", after=["notes"])
    def greet(event):
        event.data["greeting"] = "sent to %s" % event.data["host"]

It runs in a process of its own that speaks the protocol of docs/worker-protocol.md with its host;
what it prints are lines of the host's log.
"""
from .api import CONTINUE, FAILED, HANDLED, Veto, Verdict, log, on
from .channel import Cancelled, HostError
from .event import Event
from .plugin import Context

__all__ = [
    "CONTINUE", "FAILED", "HANDLED", "Cancelled", "Context", "Event", "HostError", "Veto",
    "Verdict", "log", "on",
]
