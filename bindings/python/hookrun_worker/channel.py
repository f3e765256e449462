# SPDX-License-Identifier: LGPL-2.1-or-later
"""JSON-RPC 2.0 over the inherited socket, one message a line, calls both ways at once."""
from __future__ import annotations

import json
import os
import socket
from typing import Any, Callable, Optional

NO_METHOD = -32601
INTERNAL = -32603
CHUNK = 65536

Message = dict[str, Any]


class HostError(Exception):
    """The host refused or failed at what was asked of it.

    :ivar code: the number of the error, see the table in docs/worker-protocol.md
    :ivar name: its name, for example ``"command"``, or an empty text
    """

    def __init__(self, message: str, code: int = INTERNAL, name: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.name = name


class Cancelled(Exception):
    """Nobody waits for the handler's verdict any more: its deadline passed, or it was cancelled."""


class Unknown(Exception):
    """The host called something that is not there."""


class Closed(Exception):
    """The host is gone."""


def plain(value: Any) -> Any:
    """What JSON has no word for, as something it has."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError("a %s cannot be sent to the host" % type(value).__name__)


def encode(value: Any) -> str:
    """JSON text on one line; refuses what JSON cannot say, such as NaN."""
    return json.dumps(value, default=plain, ensure_ascii=False, allow_nan=False,
                      separators=(",", ":"))


class Channel:
    """The connection to the host. Everything runs in one thread, on one stack."""

    def __init__(self, connection: socket.socket, serve: Callable[[str, Message], Any]) -> None:
        self._socket = connection
        self._serve = serve
        self._buffer = bytearray()
        self._scanned = 0
        self._last_id = 0
        self._answers: dict[int, Message] = {}
        self._cancelled: set[int] = set()
        #: Numbers of the host's calls that are being served, the innermost last.
        self.calls: list[int] = []

    def send(self, message: Message) -> None:
        """Sends one message."""
        line = encode({"jsonrpc": "2.0", **message}) + "\n"
        try:
            self._socket.sendall(line.encode("utf-8", "replace"))
        except OSError as error:
            raise Closed from error

    def _receive(self) -> Message:
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[:end + 1]
                self._scanned = 0
                return json.loads(line)
            self._scanned = len(self._buffer)
            try:
                chunk = self._socket.recv(CHUNK)
            except OSError as error:
                raise Closed from error
            if not chunk:
                raise Closed
            self._buffer += chunk

    def notify(self, method: str, params: Message) -> None:
        """Tells the host something that it does not answer."""
        self.send({"method": method, "params": params})

    def call(self, method: str, params: Optional[Message] = None) -> Any:
        """Asks the host and serves what it calls meanwhile.

        :raises HostError: when the host answers with an error
        :raises Cancelled: when nobody waits for the running handler any more
        """
        self._last_id += 1
        number = self._last_id
        request: Message = {"id": number, "method": method, "params": params or {}}
        if self.calls:
            request["call"] = self.calls[-1]
        self.send(request)
        while number not in self._answers:
            self._take(self._receive())
        answer = self._answers.pop(number)
        if self.calls and self.calls[-1] in self._cancelled:
            raise Cancelled("nobody waits for this handler any more")
        if "error" in answer:
            raise self._to_exception(answer["error"])
        return answer.get("result")

    @staticmethod
    def _to_exception(error: Message) -> HostError:
        data = error.get("data")
        name = data.get("code", "") if isinstance(data, dict) else ""
        return HostError(error.get("message", ""), error.get("code", INTERNAL), name)

    def _take(self, message: Message) -> None:
        if "method" not in message:
            self._answers[message["id"]] = message
        elif "id" in message:
            self._answer(message)
        elif message["method"] == "cancel":
            self._cancelled.add(message.get("params", {}).get("id", 0))
        else:
            self._serve(message["method"], message.get("params") or {})

    def _answer(self, message: Message) -> None:
        number = message["id"]
        self.calls.append(number)
        try:
            reply: Message = {"result": self._serve(message["method"], message.get("params") or {})}
        except Unknown as error:
            reply = {"error": {"code": NO_METHOD, "message": str(error)}}
        except HostError as error:
            reply = {"error": {"code": error.code, "message": str(error)}}
        except Closed:
            raise
        except Exception as error:  # of this package, not of a plugin: those are caught earlier
            reply = {"error": {"code": INTERNAL, "message": repr(error)}}
        finally:
            self.calls.pop()
            self._cancelled.discard(number)
        self.send({"id": number, **reply})

    def run(self) -> None:
        """Serves the host until it says goodbye or is gone."""
        try:
            while True:
                self._take(self._receive())
        except Closed:
            return
