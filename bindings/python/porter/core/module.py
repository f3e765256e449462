# SPDX-License-Identifier: LGPL-2.1-or-later
"""The signals of a deployment by Porter's numbers, and the module that is being deployed."""
from __future__ import annotations

import configparser
import contextlib
import os
from typing import Any, Callable, Iterator, Optional, Union

from hookrun_worker.api import Verdict, log
from hookrun_worker.channel import HostError
from hookrun_worker.event import Event
from hookrun_worker.plugin import Context

from porter.tools import host

SIG_SOURCE_PRE_SEND = 0x01
SIG_SOURCE_POST_SEND = 0x02
SIG_SOURCE_SEND = 0x03
SIG_DEPLOY_START = 0x20
SIG_DEPLOY_FINISH = 0x21
SIG_DEPLOY = 0x30

NAMES = {
    SIG_SOURCE_PRE_SEND: "source.pre-send",
    SIG_SOURCE_POST_SEND: "source.post-send",
    SIG_SOURCE_SEND: "source.send",
    SIG_DEPLOY_START: "deploy.start",
    SIG_DEPLOY_FINISH: "deploy.finish",
    SIG_DEPLOY: "deploy.run",
}

#: Signals whose built-in handler came before all others in Porter and comes last in hookrun.
WITH_DEFAULT = ("source.send", "deploy.run")

#: Signals that the host defines; any other name is a plugin's own.
OF_HOST = set(NAMES.values()) | {
    "deploy.failed", "rollback.start", "rollback.finish", "source.checkout", "release.stage",
    "release.verify", "release.pre-switch", "release.switch", "release.confirm", "health.check",
}

Signal = Union[int, str]
Handler = Callable[..., Any]


def signal_name(signal: Signal) -> str:
    """The dotted name of a signal that is given by number or name."""
    if isinstance(signal, int):
        if signal not in NAMES:
            raise ValueError("there is no signal 0x%02x" % signal)
        return NAMES[signal]
    return signal


class Words(list):
    """A list that may also be called, as it was a method in some versions."""

    def __call__(self) -> list[str]:
        return list(self)


class Arguments(dict):
    """Values of the command line; ``update-crontab`` and ``update_crontab`` are the same."""

    @staticmethod
    def _key(key: str) -> str:
        return key.replace("_", "-")

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__({self._key(key): value for key, value in values.items()})

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(self._key(key))

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(self._key(key), value)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and super().__contains__(self._key(key))

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(self._key(key), default)

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(key) from None


class Project:
    """The project that a module belongs to."""

    def __init__(self, info: dict[str, Any], defaults: dict[str, Any]) -> None:
        project = info.get("project") or {}
        self.name: str = project.get("name", "")
        self.folder: str = project.get("folder", "")
        given = {key: info.get(key) for key in ("host", "config", "release")}
        values = {key: value for key, value in (info.get("args") or {}).items()
                  if value is not None}
        self.args = Arguments({**defaults, **given, **values})


class Module:
    """One module as its plugins see it.

    :ivar event: the event that is being handled, or ``None``
    """

    def __init__(self, context: Context, defaults: Optional[dict[str, Any]] = None) -> None:
        info = context.info
        self._context = context
        self._pushed: dict[str, list[str]] = {}
        self._defined: set[str] = set()
        self.event: Optional[Event] = None
        self.modulename: str = info.get("modulename") or context.subject or ""
        self.moduledir: str = info.get("moduledir") or ""
        self.project = Project(info, defaults or {})
        self.depends = Words(info.get("depends") or [])
        self.plugins = Words(info.get("plugins") or [])

    # ---- facts ----

    def _fact(self, name: str) -> Any:
        """As the event has it, else as it was when the plugin was activated."""
        value = self.event.data.get(name) if self.event is not None else None
        return value if value not in (None, "") else self._context.info.get(name)

    @property
    def version(self) -> Optional[str]:
        """The version that is being deployed."""
        return self._fact("version")

    @property
    def destpath(self) -> str:
        """The folder at the target that handlers work in: the one that is being filled."""
        return self._fact("stagedir") or self._fact("destpath") or ""

    @property
    def livepath(self) -> str:
        """The path under which the module is reached when it is live; for configurations."""
        base = self._fact("destpath") or ""
        layout = self.get_config_value("module", "layout", "releases")
        return base if layout == "in-place" else os.path.join(base, "current")

    @property
    def config(self) -> configparser.ConfigParser:
        """The module's ini file."""
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_dict(self._context.info.get("ini") or {})
        return parser

    def get_config_dir(self) -> str:
        """The local folder of the configuration that was chosen."""
        given = self._context.info.get("config_dir")
        return given or os.path.join(self.moduledir, "config",
                                     str(self._context.info.get("config") or ""))

    def get_config_value(self, section: str, option: str, default: Any = None) -> Any:
        """A key of the module's ini: ``option-HOST``, then ``option``, then *default*."""
        values: dict[str, Any] = {}
        if section == "plugin:" + self._context.plugin:
            values = self._context.settings
        values = values or (self._context.info.get("ini") or {}).get(section) or {}
        host = self._context.info.get("host")
        return values.get("%s-%s" % (option, host), values.get(option, default))

    # ---- handlers ----

    def push_signal_handler(self, signal: Signal, handler: Handler) -> None:
        """Adds a handler; it runs after those that are there already."""
        name = signal_name(signal)
        if name in WITH_DEFAULT:
            # The one that is pushed last is the outermost: it goes on when all others are done.
            outer = self._ids(name)
            self._connect(name, handler, after_rest=True, before=outer, priority=-self._turn())
        else:
            self._connect(name, handler)

    def pop_signal_handler(self, signal: Signal) -> None:
        """Removes the handler that was added last, or the built-in one."""
        name = signal_name(signal)
        if self._pushed.get(name):
            self._context.off(self._pushed[name].pop())
        elif name in WITH_DEFAULT:
            self._connect(name, lambda module, *args, **kwargs: None, replaces="default")
        else:
            raise IndexError("signal \"%s\" has no handler of this plugin" % name)

    def replace_signal_handler(self, signal: Signal, handler: Handler) -> None:
        """Puts a handler in the place of the one that was added last, or of the built-in one."""
        name = signal_name(signal)
        if self._pushed.get(name):
            self.pop_signal_handler(signal)
            self.push_signal_handler(signal, handler)
        elif name in WITH_DEFAULT:
            self._connect(name, handler, replaces="default")
        else:
            self.push_signal_handler(signal, handler)

    def _turn(self) -> int:
        """1 for the module's own file, then the plugins in the order of its ini."""
        names = list(self.plugins)
        plugin = self._context.plugin
        return 2 + names.index(plugin) if plugin in names else 1

    def _ids(self, name: str) -> list[str]:
        pushed = self._pushed.get(name, [])
        return [row["id"] for row in self._context.descriptions if row["handler"] in pushed]

    def _connect(self, name: str, handler: Handler, after_rest: bool = False,
                 **options: Any) -> None:
        if name not in OF_HOST and name not in self._defined:
            self._context.define_signal(name)
            self._defined.add(name)

        def run(event: Event) -> Optional[Verdict]:
            return self._run(event, handler, after_rest)

        run.__name__ = getattr(handler, "__name__", "handler")
        self._pushed.setdefault(name, []).append(self._context.on(name, run, **options))

    def _run(self, event: Event, handler: Handler, after_rest: bool) -> Optional[Verdict]:
        verdict = None
        if after_rest:
            verdict = event.proceed()
            if verdict is Verdict.FAILED:
                return verdict
        if event.data.get("dry_run") is True:
            log.info("dry run: %s is not called", getattr(handler, "__name__", "a handler"))
            return verdict
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        if event.signal not in OF_HOST:
            kwargs = {key: value for key, value in event.data.items() if not key.startswith("_")}
            args = kwargs.pop("args", None) or []
        with self._during(event):
            answer = handler(self, *args, **kwargs)
        return answer if isinstance(answer, Verdict) else verdict

    @contextlib.contextmanager
    def _during(self, event: Event) -> Iterator[None]:
        outer, self.event = self.event, event
        try:
            with host.during(event):
                yield
        finally:
            self.event = outer

    def signal(self, signal: Signal, *args: Any, **kwargs: Any) -> None:
        """Emits a signal; without handlers nothing happens.

        :raises Veto: when a handler of it failed
        """
        data = dict(kwargs)
        if args:
            data["args"] = list(args)
        try:
            host.current().emit(signal_name(signal), data, self._context.subject)
        except HostError as error:
            if error.name != "not-found":
                raise
