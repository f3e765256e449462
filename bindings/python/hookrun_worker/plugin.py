# SPDX-License-Identifier: LGPL-2.1-or-later
"""A plugin's code, found and loaded, and its activations with their handlers."""
from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import types
from typing import Any, Callable, Iterable, Optional, Union

from .api import MARK, names
from .channel import Channel, Unknown
from .event import Event

Handler = Callable[[Event], Any]


def load(entry: str, path: Optional[str]) -> types.ModuleType:
    """Imports a plugin: the file at *path*, or the module of the name *entry*.

    The folder of a file is searched for what the file imports.
    """
    if path is None:
        try:
            return importlib.import_module(entry)
        except ModuleNotFoundError as error:
            if error.name is None or not (entry + ".").startswith(error.name + "."):
                raise
            raise ModuleNotFoundError("there is no Python module \"%s\"; is its folder in "
                                      "PYTHONPATH?" % entry) from None
    folder = os.path.dirname(os.path.abspath(path))
    if folder not in sys.path:
        sys.path.append(folder)  # last: none of its files may hide Python's own
    stem = os.path.splitext(os.path.basename(path))[0].replace(".", "_")
    name = "hookrun_plugin_" + stem  # a file called json.py must not take the place of json
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ImportError("%s is no Python file" % path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    sys.dont_write_bytecode = True
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def marked(module: types.ModuleType) -> Iterable[tuple[Handler, dict[str, Any]]]:
    """The functions of *module* that have the decorator, in the order of the file."""
    for function in list(vars(module).values()):
        if getattr(function, "__module__", None) == module.__name__:
            for mark in getattr(function, MARK, []):
                yield function, mark


class Context:
    """One activation of a plugin: for one subject, with settings of the user.

    :ivar plugin: id of the plugin
    :ivar subject: module or package that it is active for, or ``None`` for all
    :ivar settings: the user's settings for it
    :ivar info: facts about the host's job
    """

    def __init__(self, channel: Channel, params: dict[str, Any]) -> None:
        self.channel = channel
        self.number: int = params["activation"]
        self.plugin: str = params["plugin"]
        self.subject: Optional[str] = params.get("subject")
        self.settings: dict[str, Any] = params.get("settings") or {}
        self.info: dict[str, Any] = params.get("info") or {}
        self.module: Optional[types.ModuleType] = None
        self.descriptions: list[dict[str, Any]] = []
        self.signals: list[dict[str, Any]] = []
        self.handlers: dict[str, Handler] = {}
        self.private: dict[str, Any] = {}
        self._is_active = False

    def on(self, signal: str, function: Handler, *, id: Optional[str] = None,
           before: Union[None, str, Iterable[str]] = None,
           after: Union[None, str, Iterable[str]] = None, **options: Any) -> str:
        """Connects *function* to *signal*; options as for :func:`hookrun_worker.on`.

        :returns: the name of the handler, for :meth:`off`
        """
        description = dict(options, signal=signal, id=id or self._free_id(signal, function))
        if before is not None:
            description["before"] = names(before)
        if after is not None:
            description["after"] = names(after)
        return self.add(function, description)

    def add(self, function: Handler, description: dict[str, Any]) -> str:
        """Connects *function* as a complete description says."""
        description = dict(description)
        description.setdefault("id", self._free_id(description["signal"], function))
        name = "%s/%s" % (description["signal"], description["id"])
        description["handler"] = name
        self.handlers[name] = function
        self.descriptions.append(description)
        if self._is_active:
            self.channel.call("handler.connect", dict(description, activation=self.number))
        return name

    def off(self, name: str) -> None:
        """Disconnects the handler that :meth:`on` named."""
        self.handlers.pop(name)
        self.descriptions = [row for row in self.descriptions if row["handler"] != name]
        if self._is_active:
            self.channel.call("handler.disconnect",
                              {"activation": self.number, "handler": name})

    def define_signal(self, name: str, fields: Iterable[dict[str, Any]] = (),
                      collect_errors: bool = False) -> None:
        """Defines a signal of the plugin's own, while it is being activated."""
        self.signals.append({"name": name, "fields": list(fields),
                             "collect_errors": collect_errors})

    def call(self, method: str, **params: Any) -> Any:
        """Asks the host for a service."""
        return self.channel.call(method, params)

    def _free_id(self, signal: str, function: Handler) -> str:
        taken = {row["id"] for row in self.descriptions if row["signal"] == signal}
        if self.plugin not in taken:
            return self.plugin
        name = re.sub(r"[^A-Za-z0-9_.-]", "", getattr(function, "__name__", "handler"))
        base = "%s:%s" % (self.plugin, name)
        candidate, number = base, 1
        while candidate in taken:
            number += 1
            candidate = "%s-%d" % (base, number)
        return candidate

    def find(self, name: str, signal: str) -> Handler:
        """The handler that the host means: by the name it was given, or by id and signal.

        :raises Unknown: when there is none
        """
        for key in (name, "%s/%s" % (signal, name)):
            if key in self.handlers:
                return self.handlers[key]
        raise Unknown("plugin \"%s\" has no handler \"%s\"" % (self.plugin, name))

    def activated(self) -> dict[str, Any]:
        """The answer to ``plugin.activate``; what is connected later is told at once."""
        self._is_active = True
        return {"handlers": self.descriptions, "signals": self.signals}
