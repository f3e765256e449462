# SPDX-License-Identifier: LGPL-2.1-or-later
"""The worker itself: serves the methods of the protocol."""
from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from typing import Any, Callable, Optional

from . import legacy, plugin, problems
from .api import Verdict, Veto
from .channel import Channel, Closed, HostError, Unknown
from .event import Event
from .options import Group

PROTOCOL = 1
HANDLER_FAILED = -32014

LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"))

Params = dict[str, Any]


class HostLog(logging.Handler):
    """Hands lines of Python's logging to the host, with their level."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        level = next((name for number, name in LEVELS if record.levelno >= number), "debug")
        try:
            self._channel.notify("log", {"level": level, "message": self.format(record)})
        except Closed:
            pass


class Server:
    """One worker process: the plugins that it hosts and what their host calls."""

    def __init__(self, connection: socket.socket) -> None:
        self.channel = Channel(connection, self.serve)
        self._watch = Watch(connection)
        self._contexts: dict[int, plugin.Context] = {}
        self._methods: dict[str, Callable[[Params], Any]] = {
            "initialize": self._initialize,
            "plugin.describe": self._describe,
            "plugin.activate": self._activate,
            "plugin.deactivate": self._deactivate,
            "handler.call": self._call,
            "shutdown": self._shutdown,
        }

    def serve(self, method: str, params: Params) -> Any:
        """Does what the host calls.

        :raises Unknown: when there is no such method
        """
        function = self._methods.get(method)
        if function is None:
            raise Unknown("there is no method \"%s\"" % method)
        try:
            return function(params)
        finally:
            self._flush()

    @staticmethod
    def _flush() -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass  # a plugin closed it; that is its own affair

    def run(self) -> None:
        """Serves until the host is gone."""
        root = logging.getLogger()
        root.addHandler(HostLog(self.channel))
        root.setLevel(logging.DEBUG)
        self._watch.start()
        self.channel.run()

    # ---- methods ----

    @staticmethod
    def _initialize(params: Params) -> Params:
        if params.get("protocol") != PROTOCOL:
            raise HostError("this worker speaks version %d of the protocol" % PROTOCOL)
        return {"protocol": PROTOCOL, "worker": {"name": "hookrun_worker", "language": "python"}}

    def _load(self, params: Params) -> Any:
        try:
            return plugin.load(params["entry"], params.get("path"))
        except (Exception, SystemExit) as error:
            raise HostError("cannot load it: %s" % problems.describe(error),
                            HANDLER_FAILED) from error

    def _describe(self, params: Params) -> Params:
        module = self._load(params)
        group = Group()
        try:
            if hasattr(module, "options"):
                module.options(group)
            legacy.add_options(module, group)
        except (Exception, SystemExit) as error:
            raise HostError("cannot describe it: %s" % problems.describe(error),
                            HANDLER_FAILED) from error
        answer: Params = {"options": group.rows}
        if module.__doc__ and module.__doc__.strip():
            answer["description"] = module.__doc__.strip().splitlines()[0]
        return answer

    def _activate(self, params: Params) -> Params:
        context = plugin.Context(self.channel, params)
        context.module = module = self._load(params)
        try:
            for function, mark in plugin.marked(module):
                context.add(function, mark)
            legacy.register(context)
            if hasattr(module, "activate"):
                module.activate(context)
        except (Exception, SystemExit) as error:
            raise HostError("cannot activate it: %s" % problems.describe(error),
                            HANDLER_FAILED) from error
        self._contexts[context.number] = context
        return context.activated()

    def _deactivate(self, params: Params) -> None:
        context = self._contexts.pop(params.get("activation", 0), None)
        if context is not None and hasattr(context.module, "deactivate"):
            try:
                context.module.deactivate(context)  # type: ignore[union-attr]
            except (Exception, SystemExit) as error:
                raise HostError(problems.describe(error), HANDLER_FAILED) from error

    def _call(self, params: Params) -> Params:
        context = self._contexts.get(params["activation"])
        if context is None:
            raise Unknown("there is no activation %s" % params["activation"])
        handler = context.find(params["handler"], params["signal"])
        event = Event(self.channel, context, params["signal"], params.get("subject"),
                      params.get("data"))
        try:
            verdict = self._verdict(event, handler(event))
            if verdict is Verdict.FAILED:
                return {"verdict": Verdict.FAILED}
            return {"verdict": verdict, "patch": event.changes()}
        except Veto as error:
            return self._failed(str(error))
        except Closed:
            raise
        except (Exception, SystemExit) as error:
            return self._failed(problems.describe(error))
        finally:
            context.private = event.private()

    @staticmethod
    def _verdict(event: Event, value: Any) -> Verdict:
        if value is None:
            return event.proceeded or Verdict.CONTINUE
        if isinstance(value, Verdict):
            return value
        raise TypeError("the handler returned %r instead of a verdict" % (value,))

    @staticmethod
    def _failed(reason: str) -> Params:
        return {"verdict": Verdict.FAILED, "error": {"message": reason}}

    @staticmethod
    def _shutdown(params: Params) -> None:
        raise Closed


class Watch(threading.Thread):
    """Ends the process when its host is gone, whatever a handler does at that time."""

    GRACE = 2.0

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(name="hookrun-watch", daemon=True)
        self._number = connection.fileno()

    def run(self) -> None:
        """Waits for the hang-up; an idle worker reads the end itself and is gone before the grace."""
        poll = select.poll()
        poll.register(self._number, 0)
        poll.poll()
        time.sleep(self.GRACE)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGTERM)
            time.sleep(self.GRACE)
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


def connect(number: Optional[int]) -> socket.socket:
    """The inherited socket; programs that a plugin starts do not inherit it."""
    connection = socket.socket(fileno=3 if number is None else number)
    connection.set_inheritable(False)
    connection.setblocking(True)
    return connection
