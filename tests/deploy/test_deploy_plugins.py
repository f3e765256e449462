#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugins that are broken, hostile or not to be trusted: a deployment says so, and the old tree is live."""
import json
import os
import shutil
import sys
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import BUILD, Place  # noqa: E402


class PluginCase(unittest.TestCase):
    """A place where version one is live and version two is to be deployed."""

    def setUp(self):
        self.place = Place(alone=True)
        self.addCleanup(self.place.close)
        result = self.place.deploy()
        self.assertEqual(result.status, 0, repr(result))
        self.before = self.place.tree()
        self.place.commit("two")

    def refused(self, *parts, status=1, words=(), environment=None):
        """Deploying fails with this status, names all the parts, and changes nothing."""
        result = self.place.deploy(*words, **(environment or {}))
        self.assertEqual(result.status, status, repr(result))
        for part in parts:
            self.assertIn(part, result.err)
        self.assertEqual(self.place.tree(), self.before)
        return result


class TestBeforeAnything(PluginCase):
    """Refused before a connection is made."""

    def use(self, plugin):
        path = self.place.project / "shop/shop.ini"
        path.write_text(path.read_text() + "[plugin:%s]\nkey = value\n" % plugin)

    def native(self, sample):
        shutil.copy(BUILD / ("tests/plugin/native-%s.so" % sample),
                    self.place.project / "shop/deployment.so")

    def test_native_plugin_of_another_abi(self):
        self.native("wrong-abi")
        self.refused("shop.deployment.so", "rebuild", status=2)
        self.refused("shop.deployment.so", "rebuild", status=2, words=("--dry-run",))

    def test_native_plugin_without_a_descriptor(self):
        self.native("no-symbol")
        self.refused("shop.deployment.so", "hookrun_plugin", status=2)

    def test_plugin_that_is_nowhere(self):
        self.use("no.such.plugin")
        self.refused("no.such.plugin", status=2)
        result = self.place.deploy("handlers")
        self.assertEqual(result.status, 2, repr(result))

    def test_setting_of_the_demonstration_that_leads_out_of_the_tree(self):
        path = self.place.project / "shop/shop.ini"
        whole = path.read_text()
        for name in ("../stamp", "/etc/stamp", "..", ""):
            with self.subTest(name=name):
                path.write_text(whole + "[plugin:demo.stamp]\nfile = %s\n" % name)
                self.refused("demo.stamp", '"file" is "%s"' % name, "name of a file", status=2,
                             environment={"HOOKRUN_PLUGIN_PATH": str(BUILD / "demo")})

    def test_manifest_of_ten_megabytes(self):
        self.place.write("plugins/big.json", '{"id": "big", "description": "%s"}' % ("x" * 10485760))
        started = time.monotonic()
        self.refused("big.json", "limit", "shorten it", status=2)
        self.assertLess(time.monotonic() - started, 10)

    def test_manifest_nested_a_million_deep(self):
        self.place.write("plugins/deep.json", "[" * 1000000)
        self.refused("deep.json", "deep", "make it flatter", status=2)

    def test_hook_that_others_can_write(self):
        path = self.place.hook("deploy.start", "true")
        path.chmod(0o777)
        self.refused("50-test", "go-w", status=6)

    def test_folder_that_others_can_write(self):
        path = self.place.hook("deploy.start", "true")
        path.parent.chmod(0o777)
        self.refused("deploy.start.d", status=6)

    def test_python_that_does_not_compile(self):
        self.place.write("shop/deployment.py", "def broken(:\n")
        self.refused("deployment.py", "line 1", status=2)
        self.refused("deployment.py", "line 1", status=2, words=("--colour", "red"))

    def test_order_in_a_circle(self):
        self.place.hook("deploy.start", "# hookrun: before=b after=b\ntrue", name="10-a")
        self.place.hook("deploy.start", "true", name="20-b")
        self.refused("deploy.start", '"b" before "a" before "b"', status=2)

    def test_unknown_signal_is_told(self):
        self.place.hook("source.pre_sned", "true")
        self.refused("source.pre_sned", 'did you mean "source.pre-send"', status=2)

    def test_unknown_signal_of_a_folder_without_hooks_is_told(self):
        self.place.write("shop/deployment.d/deploy.strat.d/notes", "")
        self.refused("deployment.d/deploy.strat.d", 'did you mean "deploy.start"', status=2)


class TestWorkerThatDoesNotStart(PluginCase):
    """A worker that cannot be loaded is exit status 2, and the cause is where the error is."""

    def worker(self, *command):
        manifest = {"id": "odd", "version": "1", "kind": "worker", "command": list(command)}
        self.place.write("plugins/odd.json", json.dumps(manifest))
        path = self.place.project / "shop/shop.ini"
        if "[plugin:odd]" not in path.read_text():
            path.write_text(path.read_text() + "[plugin:odd]\n")

    def test_it_ends_at_once(self):
        self.worker("/bin/false")
        self.refused('worker "odd"', "exited with status 1", status=2)

    def test_it_sends_back_what_it_reads(self):
        self.worker("/bin/sh", "-c", "cat <&3 >&3")
        self.refused('worker "odd"', "broke the protocol", "send back", status=2)

    def test_it_takes_its_time(self):
        self.place.write("shop/deployment.py", "import time\ntime.sleep(100)\n")
        self.refused("shop.deployment.py", status=2)

    def test_last_words_are_in_the_error(self):
        self.worker("/bin/sh", "-c", "echo aside; echo 'no such file: x.cfg' >&2; echo >&2; exit 2")
        for words in ((), ("-q",), ("--json",), ("handlers",), ("-n", "--json")):
            with self.subTest(words=words):
                self.refused("exited with status 2; it said last: no such file: x.cfg", status=2, words=words)


class TestWarnings(PluginCase):
    """What lies there without effect is told on every run, however quiet."""

    def test_hooks_that_are_not_hooks(self):
        self.place.hook("deploy.start", "true", name="10-plain").chmod(0o644)
        self.place.write("shop/deployment.d/20-lost", "#!/bin/sh\n").chmod(0o755)
        self.place.write("shop/deployment.d/deploy.finish/30-lost", "#!/bin/sh\n").chmod(0o755)
        for words in (("--dry-run", "--json"), ("--quiet",), ("--json",), ()):
            with self.subTest(words=words):
                result = self.place.deploy(*words)
                self.assertEqual(result.status, 0, repr(result))
                for part in ("10-plain", "chmod +x", "deployment.d/20-lost", "deploy.finish.d"):
                    self.assertEqual(result.err.count(part), 1, repr(result))


class TestModuleNative(PluginCase):
    """deployment.so beside a module: the module names it, whatever it calls itself."""

    def test_any_id_and_version(self):
        shutil.copy(BUILD / "demo/stamp.so", self.place.project / "shop/deployment.so")
        result = self.place.deploy()
        self.assertEqual(result.status, 0, repr(result))
        self.assertIn("main@", (self.place.live() / "STAMP").read_text())
        self.assertIn("shop.deployment.so", self.place.deploy("handlers").out)


class TestOnTheWay(PluginCase):
    """A hook breaks in the middle: everything is put back."""

    def python(self, body):
        self.place.write("shop/deployment.py", (
            "import os, sys, time\nfrom porter.core.module import SIG_SOURCE_POST_SEND\n"
            "def register_signal_handlers(module):\n"
            "    module.push_signal_handler(SIG_SOURCE_POST_SEND, post_send)\n"
            "def post_send(module, *args, **kwargs):\n    %s\n" % body))

    def test_python_that_raises(self):
        self.python("raise ValueError('no such colour')")
        self.refused("no such colour", "deployment.py", status=4)

    def test_python_that_exits(self):
        self.python("os._exit(7)")
        self.refused("deployment.py", "7", status=4)

    def test_python_that_kills_itself(self):
        self.python("os.kill(os.getpid(), 9)")
        self.refused("deployment.py", "9", status=4)

    def test_python_that_prints_is_harmless(self):
        self.python("print('{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": {}}'); "
                    "os.write(1, b'\\x1b[31mred\\n')")
        result = self.place.deploy()
        self.assertEqual(result.status, 0, repr(result))
        self.assertNotIn("\x1b", result.err)
        self.assertEqual(self.place.page(), "two")

    def test_python_that_answers_an_unknown_id(self):
        self.python("os.write(int(os.environ.get('HOOKRUN_WORKER_FD', 3)), "
                    "b'{\"jsonrpc\": \"2.0\", \"id\": 4711, \"result\": {}}\\n')")
        self.refused("4711", "deployment.py", status=4)

    def test_shell_that_hangs_is_ended_with_its_children(self):
        mark = self.place.folder / "pid"
        self.place.hook("source.post-send", "# hookrun: timeout=1s\ntrap '' TERM\n"
                        "sleep 600 & echo $! > %s\nwhile :; do sleep 1; done" % mark)
        started = time.monotonic()
        self.refused("50-test".split("-")[1], "1", status=4)
        self.assertLess(time.monotonic() - started, 30)
        pid = int(mark.read_text())
        state = ""
        if os.path.exists("/proc/%d/stat" % pid):
            with open("/proc/%d/stat" % pid, encoding="ascii") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
        self.assertIn(state, ("", "Z"))

    def test_shell_that_writes_garbage_to_descriptor_3(self):
        self.place.hook("source.post-send", "echo '{\"a\": ' >&3")
        self.refused("source.post-send", "test", status=4)

    def test_shell_that_floods_does_not_fill_the_memory(self):
        self.place.hook("source.post-send", "yes 0123456789 | head -c 50000000; exit 9")
        result = self.place.deploy("--quiet")
        self.assertEqual(result.status, 4, repr(result)[:2000])
        self.assertLess(len(result.err), 5000000)
        self.assertEqual(self.place.tree(), self.before)

    def test_flood_of_short_lines_is_stopped_soon(self):
        self.place.hook("source.post-send", "exec yes")
        started = time.monotonic()
        result = self.place.deploy("--quiet")
        self.assertEqual(result.status, 4, repr(result)[:2000])
        self.assertIn("each line counted as", result.err[-3000:])
        self.assertLess(time.monotonic() - started, 6)

    def test_interrupt_puts_everything_back(self):
        self.place.hook("source.post-send", "kill -INT $PPID; sleep 5")
        self.refused(status=130)
        self.assertEqual(self.place.last_run(), "rolled-back")


SHELL_ATTACK = """
trail=
cat "$HOOKRUN_SOURCEDIR/page" >/dev/null && trail="$trail checkout"
echo hook >>"$HOOKRUN_SOURCEDIR/page" && trail="$trail change"
(cat @/secret) 2>/dev/null >&2 && trail="$trail read"
(echo x >@/outside-of-hook) 2>/dev/null && trail="$trail write"
[ -z "$SSH_AUTH_SOCK" ] || trail="$trail variable"
printf '{"trail": "%s"}' "$trail" >&3
"""

PYTHON_ATTACK = """import os
import socket
import hookrun_worker as hookrun

def works(function):
    try:
        function()
        return True
    except (OSError, hookrun.HostError) as error:
        hookrun.log.info(str(error))
        return False

@hookrun.on("source.post-send")
def attack(event):
    tries = {"state": lambda: open(os.environ["STATE"] + "/x", "w").write("x"),
             "read": lambda: open("@/secret").read(),
             "write": lambda: open("@/outside-of-python", "w").write("x"),
             "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
             "run": lambda: event.call("deploy.run", argv=["true"])}
    words = [word for word, function in tries.items() if works(function)]
    hookrun.log.info("shell:%s; python: %s" % (event.data["trail"], " ".join(words)))
"""

SHELL_POLICY = '{"base": true, "write": ["{checkouts}"], "read": ["{checkouts}"]}'
PYTHON_POLICY = ('{"base": true, "read": ["{state}"], "write": ["{state}"], '
                 '"environment": {"set": {"STATE": "{state}"}}}')


class TestConfined(PluginCase):
    """A hook in shell and one in Python, with a policy each, take part in a deployment."""

    def setUp(self):
        super().setUp()
        self.place.write("secret", "s")
        self.secret = self.place.folder / "secret"
        self.secret.write_text("secret")
        os.environ["SSH_AUTH_SOCK"] = "/nowhere/agent"
        self.place.hook("source.pre-send", SHELL_ATTACK.replace("@/", "%s/" % self.place.folder))
        self.place.write("shop/deployment.py", PYTHON_ATTACK.replace("@/", "%s/" % self.place.folder))

    def confine(self):
        self.place.write("shop/deployment.d/source.pre-send.d/50-test.policy.json", SHELL_POLICY)
        self.place.write("shop/deployment.py.policy.json", PYTHON_POLICY)

    def outside(self):
        return sorted(path.name for path in self.place.folder.glob("outside-*"))

    def test_contained(self):
        self.confine()
        result = self.place.deploy()
        self.assertEqual(result.status, 0, repr(result))
        self.assertIn("shell: checkout change; python: state\n", result.err)
        self.assertIn('add "methods": ["deploy.run"]', result.err)
        self.assertEqual(self.outside(), [])
        self.assertEqual(self.place.page(), "two\nhook")
        state = self.place.project / ".hookrun/plugins/shop.deployment.py/x"
        self.assertEqual(state.read_text(), "x")

    def test_not_contained_without_policies(self):
        body = self.place.project / "shop/deployment.py"
        body.write_text(body.read_text().replace('os.environ["STATE"]', repr(str(self.place.folder))))
        result = self.place.deploy()
        self.assertEqual(result.status, 0, repr(result))
        self.assertIn("shell: checkout change read write variable; python: state read write run\n",
                      result.err)
        self.assertEqual(self.outside(), ["outside-of-hook", "outside-of-python"])

    def test_user_tightens(self):
        self.confine()
        path = self.place.project / "shop/shop.ini"
        whole = path.read_text()
        self.place.write("shop/mine.json", '{"base": true}')
        for policy in ('{"base": true}', "mine.json"):
            with self.subTest(policy=policy):
                path.write_text(whole + "[plugin:shop.deployment.py]\npolicy = %s\n" % policy)
                result = self.place.deploy("--force=shop")
                self.assertEqual(result.status, 0, repr(result))
                self.assertIn("shell: checkout change; python: \n", result.err)
                self.assertEqual(self.outside(), [])

    def test_user_policy_that_is_wrong(self):
        path = self.place.project / "shop/shop.ini"
        path.write_text(path.read_text()
                        + '[plugin:shop.deployment.py]\npolicy = {"raed": []}\n')
        self.refused('[plugin:shop.deployment.py], "policy": "raed": unknown key', status=2)

    def test_promise_that_cannot_be_kept(self):
        self.place.write("shop/deployment.py.policy.json", '{"base": true, "read": ["/no/such"]}')
        self.refused('plugin "shop.deployment.py"', "/no/such", status=2)

    def test_native(self):
        if "address" in os.environ.get("HOOKRUN_SANITIZED", ""):
            return  # what a sanitizer maps cannot be confined
        (self.place.project / "shop/deployment.py").unlink()
        shutil.copy(BUILD / "demo/stamp.so", self.place.project / "shop/deployment.so")
        policy = self.place.project / "shop/deployment.so.policy.json"
        policy.write_text('{"base": true}')
        result = self.place.deploy()
        self.assertEqual(result.status, 4, repr(result))
        for part in ('plugin "shop.deployment.so"', 'add "methods": ["deploy.run"]'):
            self.assertIn(part, result.err)
        policy.write_text('{"base": true, "methods": ["deploy.run"]}')
        result = self.place.deploy()
        self.assertEqual(result.status, 0, repr(result))
        self.assertIn("main@", (self.place.live() / "STAMP").read_text())
        rows = self.place.deploy("plugins", "--json").rows()
        self.assertIn(("shop.deployment.so", "native", True),
                      [(row["plugin"], row["kind"], row["confined"]) for row in rows])

    def test_listed(self):
        self.confine()
        result = self.place.deploy("plugins")
        self.assertEqual(result.status, 0, repr(result))
        for part in ("shop: shop.deployment.py (worker, ", "It has no network.",
                     "50-test", str(self.place.project / "shop/repo/.hookrun/checkouts")):
            self.assertIn(part, result.out)
        rows = self.place.deploy("plugins", "--json").rows()
        self.assertEqual([(row["plugin"], row["confined"]) for row in rows],
                         [("shop.deployment.py", True), ("shop.deployment.d", True)])
        (self.place.project / "shop/deployment.py.policy.json").unlink()
        self.assertIn("Not confined", self.place.deploy("plugins").out)


def become_ordinary():
    """Started anew as nobody, where this is root."""
    sys.argv.remove("--as-user")
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        os.environ["HOME"] = "/"
        os.execv(sys.executable, [sys.executable] + sys.argv)


if __name__ == "__main__":
    if "--as-user" in sys.argv:
        become_ordinary()
    tap.main()
