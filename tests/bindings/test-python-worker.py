#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python worker as a real process: its protocol, its own interface, and Porter's."""
import os
import sys
import time
import unittest

from worker_host import PLUGINS, Host, Refused, main

OWN = os.path.join(PLUGINS, "own.py")
OLD = os.path.join(PLUGINS, "old.py")
EXAMPLE = os.path.join(PLUGINS, "deployment.py")

INFO = {
    "modulename": "shop", "moduledir": "/proj/shop", "destpath": "/srv/shop", "config": "live",
    "release": "stable", "version": "1.2", "host": "web", "address": "me@web",
    "project": {"name": "mall", "folder": "/work"}, "args": {"fast_lane": True},
    "depends": ["db"], "plugins": ["old"], "config_dir": "/proj/shop/config/live",
    "ini": {"module": {"path": "/srv/shop"}, "plugin:old": {"color": "red", "color-web": "blue"}},
}
STAGE = {"destpath": "/srv/shop", "stagedir": "/srv/shop/releases/7", "version": "1.2"}


def handlers(answer):
    return [(row["signal"], row["id"]) for row in answer["handlers"]]


class Protocol(unittest.TestCase):
    def test_other_version_is_refused(self):
        with Host() as host:
            with self.assertRaisesRegex(Refused, "version 1"):
                host.call("initialize", {"protocol": 2})

    def test_unknown_method_and_activation(self):
        with Host() as host:
            with self.assertRaisesRegex(Refused, "no method \"dance\""):
                host.call("dance")
            with self.assertRaisesRegex(Refused, "no activation 9"):
                host.handle("x", "y", number=9)
            host.activate("own", OWN)
            with self.assertRaisesRegex(Refused, "no handler \"x\""):
                host.handle("x", "y")

    def test_missing_file_and_module(self):
        with Host() as host:
            with self.assertRaisesRegex(Refused, "FileNotFoundError.*none.py"):
                host.activate("none", "/nonexistent/none.py")
            with self.assertRaisesRegex(Refused, "ModuleNotFoundError.*no.such"):
                host.activate("no.such.module")

    def test_syntax_error_names_file_and_line(self):
        with Host() as host:
            with self.assertRaisesRegex(Refused, r"SyntaxError: .*broken.py line 2"):
                host.activate("broken", os.path.join(PLUGINS, "broken.py"))

    def test_private_plugin_from_the_path(self):
        with Host(python_path=PLUGINS) as host:
            self.assertIn(("source.post-send", "deployment"), handlers(host.activate("deployment")))

    def test_leaves_with_its_host(self):
        host = Host()
        host.__enter__()
        host.__exit__()
        self.assertEqual(host.process.returncode, 0)

    def test_ends_in_the_middle_of_a_handler_when_its_host_is_gone(self):
        host = Host()
        host.__enter__()
        host.activate("own", OWN)
        host.send({"id": 99, "method": "handler.call", "params": {
            "activation": 1, "handler": "test.sleep/own", "signal": "test.sleep", "data": {}}})
        time.sleep(0.2)
        host.lines.close()
        host.socket.close()
        self.assertNotEqual(host.process.wait(15), 0)

    def test_shutdown(self):
        host = Host()
        host.__enter__()
        host.send({"method": "shutdown"})
        self.assertEqual(host.process.wait(10), 0)
        host.__exit__()

    def test_started_by_hand(self):
        import subprocess
        from worker_host import WORKER
        done = subprocess.run([sys.executable, WORKER], env={"HOOKRUN_WORKER_FD": "77"},
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("without a host", done.stderr)


class Own(unittest.TestCase):
    def test_descriptions(self):
        with Host() as host:
            answer = host.activate("own", OWN)
        first = answer["handlers"][0]
        self.assertEqual((first["signal"], first["id"], first["before"], first["after"],
                          first["priority"], first["timeout_ms"]),
                         ("test.signal", "own", ["own"], ["nobody"], -1, 2500))
        self.assertIn(("test.other", "second-other"), handlers(answer))
        self.assertIn(("own.signal", "own-lambda"), handlers(answer))
        self.assertEqual(answer["signals"][0]["name"], "own.signal")
        self.assertIn(("info", "active for shop"), host.logged)

    def test_options(self):
        with Host() as host:
            answer = host.call("plugin.describe", {"plugin": "own", "entry": "own", "path": OWN})
        self.assertEqual(answer["options"], [
            {"name": "greeting", "type": "string", "help": "What to say", "arg-name": "TEXT",
             "default": "hello"},
            {"name": "times", "type": "int", "default": 1},
            {"name": "quiet", "type": "boolean", "default": False}])
        self.assertEqual(answer["description"], "Tries all of hookrun's own interface.")

    def test_changes_lines_and_private_values(self):
        with Host() as host:
            host.activate("own", OWN, settings={"greeting": "hi"})
            answer = host.handle("test.signal/own", "test.signal",
                                 {"text": "old", "nested": {"a": 1, "b": 0}, "gone": 1, "same": 2})
            self.assertEqual(answer, {"verdict": "continue", "patch": {
                "text": "hi from Python", "nested": {"b": [1, {"c": 2}]}, "gone": None}})
            self.assertEqual(host.handle("second", "test.signal", {}),
                             {"verdict": "handled", "patch": {}})
        self.assertEqual(host.output, "printed, with a newline\nand more\n")
        self.assertIn(("warning", "logged for shop"), host.logged)

    def test_veto(self):
        with Host() as host:
            host.activate("own", OWN)
            self.assertEqual(host.handle("test.veto/own", "test.veto"),
                             {"verdict": "failed", "error": {"message": "not on a Friday"}})

    def test_wrapper(self):
        with Host() as host:
            host.services["event.proceed"] = lambda params: {
                "verdict": "handled", "data": dict(params["patch"], by_others="seen")}
            host.activate("own", OWN)
            self.assertEqual(host.handle("test.wrap/own", "test.wrap", {}),
                             {"verdict": "handled", "patch": {"after": "seen"}})
            self.assertEqual(host.asked[-1], ("event.proceed", {"patch": {"before": True}}))

    def test_emission_from_a_handler(self):
        with Host() as host:
            host.services["signal.emit"] = lambda params: {"verdict": "continue", "shared": False,
                                                           "data": {"x": 2}}
            host.activate("own", OWN)
            answer = host.handle("test.emit/own", "test.emit", {})
            self.assertEqual(answer["patch"], {"mine": 2})
            self.assertEqual(host.asked[-1][1]["patch"], {"mine": 1})

    def test_services(self):
        with Host() as host:
            host.services["service.double"] = lambda params: params["number"] * 2
            host.activate("own", OWN)
            answer = host.handle("test.call/own", "test.call")
            self.assertEqual(answer["patch"], {"refused": " -32601", "answer": 42})

    def test_served_while_it_waits(self):
        with Host() as host:
            host.services["service.double"] = lambda params: host.handle(
                "test.signal/own", "test.signal", {"nested": {}, "gone": 0})["verdict"]
            host.activate("own", OWN)
            self.assertEqual(host.handle("test.call/own", "test.call")["patch"]["answer"],
                             "continue")

    def test_exceptions_name_file_and_line(self):
        with Host() as host:
            host.activate("own", OWN)
            answer = host.handle("test.error/own", "test.error")
            self.assertRegex(answer["error"]["message"],
                             r"^KeyError: 'missing' \(\S*/own.py line \d+ in helper, "
                             r"\S*/own.py line \d+ in error\)$")
            self.assertIn("wanted to end the process with 3",
                          host.handle("test.exit/own", "test.exit")["error"]["message"])
            self.assertRegex(host.handle("test.bad-data/own", "test.bad-data")["error"]["message"],
                             r"data\['thing'\]: a object cannot be sent")
            self.assertIn("instead of a verdict", host.handle(
                "test.bad-verdict/own", "test.bad-verdict")["error"]["message"])

    def test_deactivation(self):
        with Host() as host:
            host.activate("own", OWN)
            host.call("plugin.deactivate", {"activation": 1})
            with self.assertRaisesRegex(Refused, "no activation"):
                host.handle("test.veto/own", "test.veto")
        self.assertIn("goodbye from own", host.output)


class Porter(unittest.TestCase):
    def deployment(self, host, **statuses):
        def run(params):
            words = " ".join(params.get("argv") or [params["script"]])
            return {"status": next((status for key, status in statuses.items()
                                    if key.replace("_", " ") in words), 0),
                    "stdout": "out\n", "stderr": ""}
        host.services["deploy.run"] = run
        for name in ("copy", "copy_config", "rsync"):
            host.services["deploy." + name] = lambda params: None

    def test_the_example_unchanged(self):
        with Host() as host:
            answer = host.activate("deployment.py", EXAMPLE, info=INFO)
            self.assertEqual(handlers(answer), [("source.post-send", "deployment.py")])
            self.assertEqual(host.handle("deployment.py", "source.post-send", STAGE),
                             {"verdict": "continue", "patch": {}})

    def test_options(self):
        with Host() as host:
            answer = host.call("plugin.describe", {"plugin": "old", "entry": "old", "path": OLD})
        self.assertEqual(answer["options"], [
            {"name": "fast-lane", "type": "boolean", "help": "Go fast", "default": False},
            {"name": "level", "type": "int", "default": 3}])

    def test_registration(self):
        with Host() as host:
            answer = host.activate("old", OLD, info=INFO)
        rows = {row["signal"]: row for row in answer["handlers"]}
        self.assertEqual(sorted(rows), ["deploy.finish", "deploy.run", "deploy.start", "my-signal",
                                        "source.post-send", "source.send"])
        self.assertEqual(rows["source.send"]["replaces"], "default")
        self.assertEqual([row["name"] for row in answer["signals"]], ["my-signal"])

    def test_module_object(self):
        with Host() as host:
            host.activate("old", OLD, info=INFO, settings={"color": "red", "color-web": "blue"})
            answer = host.handle("old", "deploy.start", {"destpath": "/srv/shop"})
            self.assertEqual(answer["verdict"], "continue", answer)
        self.assertEqual(host.output.splitlines(), [
            "shop /proj/shop /srv/shop /srv/shop/current 1.2 /proj/shop/config/live ['db'] ['old'] "
            "/srv/shop mall",
            "True True 3 web live", "blue none /srv/shop"])

    def test_paths_while_a_release_is_filled(self):
        with Host() as host:
            host.activate("old", OLD, info=INFO)
            host.handle("old", "deploy.start", STAGE)
        self.assertIn(" /srv/shop/releases/7 /srv/shop/current ", host.output)
        with Host() as host:
            ini = {"module": {"path": "/srv/shop", "layout": "in-place"}}
            host.activate("old", OLD, info=dict(INFO, ini=ini))
            host.handle("old", "deploy.start", dict(STAGE, stagedir="/srv/shop"))
        self.assertIn(" /srv/shop /srv/shop ", host.output)

    def test_tools(self):
        with Host() as host:
            self.deployment(host)
            host.activate("old", OLD, info=INFO)
            answer = host.handle("old", "source.post-send", STAGE)
            self.assertEqual(answer, {"verdict": "continue", "patch": {"uname": "out 0"}})
            self.assertEqual(host.handle("old", "source.send", STAGE)["verdict"], "continue")
            self.assertEqual(host.asked, [
                ("deploy.run", {"argv": ["test", "-d", "/tmp"], "check": False}),
                ("deploy.copy", {"source": "/proj/shop/a b.txt", "destination": "/tmp/"}),
                ("deploy.copy_config", {"file": "local_settings.py"}),
                ("deploy.copy_config", {"file": "local_settings.py", "destination": "/etc/shop/"}),
                ("deploy.run", {"argv": ["sed", "-i", "-e", r"s/__env__/\/srv\/a\&b\/c\\d/g",
                                         "/etc/x.conf"], "check": True, "sudo": True}),
                ("deploy.run", {"script": "uname -a", "check": False}),
                ("deploy.rsync", {"source": "./", "destination": "/srv/x",
                                  "options": ["--progress", "--exclude=.git*"]})])

    def test_a_push_on_the_whole_runs_after_it(self):
        with Host() as host:
            order = []
            host.services["event.proceed"] = lambda params: order.append("default") or {
                "verdict": "handled", "data": STAGE}
            host.activate("old", OLD, info=INFO)
            self.assertEqual(host.handle("old", "deploy.run", STAGE),
                             {"verdict": "handled", "patch": {}})
            host.services["event.proceed"] = lambda params: {"verdict": "failed", "data": STAGE}
            self.assertEqual(host.handle("old", "deploy.run", STAGE), {"verdict": "failed"})
        self.assertEqual((order, host.output), (["default"], "after all\n"))

    def test_signals_of_plugins(self):
        with Host() as host:
            def emit(params):
                if params["signal"] == "nobody-knows-it":
                    raise Refused("there is no such signal")
                host.handle("old", params["signal"], params["data"])
                return {"verdict": "continue", "shared": False, "data": params["data"]}
            host.services["signal.emit"] = emit
            host.activate("old", OLD, info=INFO)
            self.assertEqual(host.handle("old", "deploy.finish", STAGE)["verdict"], "continue")
        self.assertEqual(host.output, "mine x True\n")

    def test_nothing_runs_in_a_dry_run(self):
        with Host() as host:
            host.activate("old", OLD, info=INFO)
            self.assertEqual(host.handle("old", "source.post-send", dict(STAGE, dry_run=True)),
                             {"verdict": "continue", "patch": {}})
            self.assertEqual(host.asked, [])
        self.assertIn(("info", "dry run: post_send is not called"), host.logged)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__], "python-worker"))
