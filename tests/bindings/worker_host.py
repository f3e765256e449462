# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host for one worker process: speaks the protocol, records what the worker asks for."""
import json
import os
import socket
import subprocess
import sys
import traceback
import unittest

ROOT = os.environ.get("HOOKRUN_SOURCE_ROOT") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORKER = os.path.join(ROOT, "bindings", "python", "hookrun_worker")
PLUGINS = os.path.join(ROOT, "tests", "bindings", "plugins")


class Refused(Exception):
    """The worker answered with an error."""


class Host:
    """Starts the worker; use as a context."""

    def __init__(self, python_path=None):
        ours, theirs = socket.socketpair()
        environment = dict(os.environ, HOOKRUN_WORKER_FD=str(theirs.fileno()),
                           PYTHONDONTWRITEBYTECODE="1")
        if python_path:
            environment["PYTHONPATH"] = python_path
        self.process = subprocess.Popen(
            [sys.executable, WORKER], pass_fds=[theirs.fileno()], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True)
        theirs.close()
        self.socket = ours
        self.socket.settimeout(20)
        self.lines = ours.makefile("r", encoding="utf-8", newline="\n")
        self.last = 0
        self.services = {}   # method -> function (params) -> result, or an exception
        self.asked = []      # (method, params)
        self.logged = []     # (level, message)

    def __enter__(self):
        self.call("initialize", {"protocol": 1, "host": {"name": "test", "version": "0"}})
        return self

    def __exit__(self, *unused):
        self.lines.close()
        self.socket.close()
        self.output, self.errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, self.errors

    def send(self, message):
        self.socket.sendall((json.dumps({"jsonrpc": "2.0", **message}) + "\n").encode())

    def call(self, method, params=None):
        self.last += 1
        number = self.last
        self.send({"id": number, "method": method, "params": params or {}})
        while True:
            line = self.lines.readline()
            assert line, "the worker is gone"
            message = json.loads(line)
            if "method" in message:
                self.serve(message)
            elif message["id"] == number:
                if "error" in message:
                    raise Refused(message["error"]["message"])
                return message["result"]

    def serve(self, message):
        method, params = message["method"], message.get("params", {})
        if method == "log":
            self.logged.append((params["level"], params["message"]))
            return
        self.asked.append((method, params))
        service = self.services.get(method)
        if service is None:
            reply = {"error": {"code": -32601, "message": "no " + method}}
        else:
            try:
                reply = {"result": service(params)}
            except Refused as error:
                reply = {"error": {"code": -32002, "message": str(error),
                                   "data": {"code": "not-found"}}}
        if "id" in message:
            self.send({"id": message["id"], **reply})

    def activate(self, entry, path=None, number=1, subject="shop", settings=None, info=None):
        return self.call("plugin.activate", {
            "activation": number, "plugin": entry, "entry": entry, "path": path,
            "subject": subject, "settings": settings or {}, "info": info or {}})

    def handle(self, handler, signal, data=None, number=1, subject="shop"):
        return self.call("handler.call", {
            "activation": number, "handler": handler, "signal": signal, "subject": subject,
            "data": data or {}, "emission": {"timeout_ms": 1000}})


class Result(unittest.TestResult):
    """Prints a line of TAP for each test."""

    def __init__(self, prefix):
        super().__init__()
        self.prefix = prefix
        self.number = 0

    def line(self, test, word, text=""):
        self.number += 1
        name = test.id().split(".", 1)[1].replace(".test_", "/").replace("_", "-").lower()
        for part in text.splitlines():
            print("# " + part)
        print("%s %d /%s/%s" % (word, self.number, self.prefix, name), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(test, "ok")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(test, "not ok", "".join(traceback.format_exception(*err)))

    def addError(self, test, err):
        super().addError(test, err)
        self.line(test, "not ok", "".join(traceback.format_exception(*err)))


def main(module, prefix):
    """Runs all tests of *module*; their names begin with *prefix*."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    print("1..%d" % suite.countTestCases())
    result = Result(prefix)
    suite.run(result)
    return 0 if result.wasSuccessful() else 1
