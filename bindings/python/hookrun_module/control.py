# SPDX-License-Identifier: LGPL-2.1-or-later
"""The control channel to the host: JSON-RPC 2.0 on an inherited descriptor, one message a line."""
import fcntl
import json
import os
import threading

_LOCK = threading.Lock()


class CallError(OSError):
    """The host refused; its message says why."""


def _descriptor() -> int:
    try:
        return int(os.environ["HOOKRUN_CONTROL_FD"])
    except (KeyError, ValueError):
        raise CallError("there is no host to ask: not started by hookrun-module") from None


def _read_line(descriptor) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        part = os.read(descriptor, 65536)
        if not part:
            raise CallError("the host has closed the control channel")
        line += part
    return bytes(line)


def call(method, **params):
    """Asks the host and waits for its answer. A lock keeps other processes of the module out."""
    descriptor = _descriptor()
    message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n"
    with _LOCK:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        try:
            data = message.encode()
            while data:
                data = data[os.write(descriptor, data):]
            answer = json.loads(_read_line(descriptor))
        finally:
            fcntl.lockf(descriptor, fcntl.LOCK_UN)
    if "error" in answer:
        raise CallError(answer["error"].get("message", "refused"))
    return answer.get("result")
