# SPDX-License-Identifier: LGPL-2.1-or-later
"""One event as a handler sees it."""
from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, NoReturn, Optional

from .api import Verdict, Veto
from .channel import Channel, encode

if TYPE_CHECKING:
    from .plugin import Context


def difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The merge patch (RFC 7396) that makes *new* out of *old*."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if key in old and type(before) is type(value) and before == value:
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            patch[key] = difference(before, value)
        elif not (value is None and before is None):
            patch[key] = value
    return patch


class Event:
    """What happened, its data, and what a handler may do about it.

    :ivar signal: name of the signal
    :ivar subject: the module or package that it is about, or ``None``
    :ivar data: its data, a dictionary; what a handler changes in it goes to all handlers after it
    :ivar context: the activation of the plugin: settings, info
    """

    def __init__(self, channel: Channel, context: Context, signal: str, subject: Optional[str],
                 data: Optional[dict[str, Any]]) -> None:
        self._channel = channel
        self.context = context
        self.signal = signal
        self.subject = subject
        self.data: dict[str, Any] = {}
        self._sent: dict[str, Any] = {}
        self._proceeded: Optional[Verdict] = None
        self._reset(data)
        self.data.update(context.private)

    @property
    def proceeded(self) -> Optional[Verdict]:
        """What :meth:`proceed` gave, or ``None``."""
        return self._proceeded

    def _public(self) -> dict[str, Any]:
        return {key: value for key, value in self.data.items() if not key.startswith("_")}

    def private(self) -> dict[str, Any]:
        """The values under keys that start with ``_``: they never leave this process."""
        return {key: value for key, value in self.data.items() if key.startswith("_")}

    def _reset(self, data: Optional[dict[str, Any]]) -> None:
        private = self.private()
        self._sent = data or {}
        self.data.clear()
        self.data.update(copy.deepcopy(self._sent))
        self.data.update(private)

    def changes(self) -> dict[str, Any]:
        """What was changed in the data and the host does not know yet."""
        public = self._public()
        if public == self._sent and repr(public) == repr(self._sent):
            return {}
        for key, value in public.items():
            try:
                encode(value)
            except (TypeError, ValueError) as error:
                raise TypeError("data[%r]: %s" % (key, error)) from None
        return difference(self._sent, json.loads(encode(public)))

    def fail(self, reason: str) -> NoReturn:
        """Ends the handler with a veto: the handlers after it do not run.

        :raises Veto: always
        """
        raise Veto(reason)

    def proceed(self) -> Verdict:
        """Runs the handlers after this one now, the default action among them.

        They see the data as it is here; afterwards the data is as they left it. The handler wraps
        them: return what this gives unless there is a reason for another verdict.
        """
        answer = self._channel.call("event.proceed", {"patch": self.changes()})
        self._reset(answer.get("data"))
        self._proceeded = Verdict(answer["verdict"])
        return self._proceeded

    def emit(self, signal: str, data: Optional[dict[str, Any]] = None,
             subject: Optional[str] = None) -> Verdict:
        """Emits another signal and waits until all its handlers have run.

        A signal of the same run shares this event's data.

        :raises Veto: when a handler of it failed
        """
        params = {"signal": signal, "subject": subject, "data": data or {},
                  "patch": self.changes()}
        answer = self._channel.call("signal.emit", params)
        verdict = Verdict(answer["verdict"])
        if answer.get("shared"):
            self._reset(answer.get("data"))
        else:
            self._sent = json.loads(encode(self._public()))
        if verdict is Verdict.FAILED:
            raise Veto((answer.get("error") or {}).get("message", "signal \"%s\" failed" % signal))
        return verdict

    def call(self, method: str, **params: Any) -> Any:
        """Asks the host for a service, for example ``call("deploy.run", argv=["uptime"])``.

        :raises HostError: when it fails
        """
        return self._channel.call(method, params)
