#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installing, updating and removing modules, what they are granted, and the hooks around them."""
import json
import os
import sys
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import SOURCE, Place, as_both  # noqa: E402

# Its update fails while ROOT/bad is there; every operation leaves a line in ROOT/log.
LOGS = '''"""Logs"""
import os
import time

def log(state, text):
    with open(os.path.join(state.ROOT, "log"), "a") as file:
        file.write(text + "\\n")

def do_update(state):
    log(state, "update " + state.VERSION)
    if os.path.exists(os.path.join(state.ROOT, "bad")):
        raise RuntimeError("bad is there")
    while os.path.exists(os.path.join(state.ROOT, "slow")):
        time.sleep(0.02)

def do_go(state, args):
    log(state, "go")

def do_bad(state, args):
    open(os.path.join(state.ROOT, args.name), "w").close()

def describe_bad_options():
    return ["name"]

def describe_bad_parameters():
    return ["the file to make"]

def do_prerm(state, args):
    log(state, "prerm")
    if os.path.exists(os.path.join(state.ROOT, "stay")):
        raise RuntimeError("it stays")
'''


class StateCase(unittest.TestCase):
    """A test with a place of its own."""

    user = None

    def setUp(self):
        self.place = Place(self.user)
        self.addCleanup(self.place.close)

    def ok(self, result, status=0):
        self.assertEqual(result.status, status, repr(result))
        return result

    def source(self, name, text, mode=0o644):
        """A module file that is not in the module path."""
        path = self.place.target / name
        path.write_text(text)
        path.chmod(mode)
        self.place.own()
        return path

    def log(self, name="logs"):
        path = self.place.root(name) / "log"
        return path.read_text().splitlines() if path.exists() else []


@as_both
class TestInstall(StateCase):
    """install, update and remove."""

    def test_install_runs_update_and_remembers_the_version(self):
        self.source("logs.json", '{"version": "2"}')
        result = self.ok(self.place.run("install", self.source("logs.pmodule", LOGS)))
        self.assertEqual(result.out, "logs: installed (version 2)\n")
        self.assertEqual(self.log(), ["update 2"])
        self.assertEqual(self.place.listed()["logs"]["version"], "2")
        self.assertIn("VERSION=2\n", self.ok(self.place.run("state", "logs")).out)

    def test_newer_version_replaces_the_older(self):
        for version in ("1", "2"):
            self.source("logs.json", '{"version": "%s"}' % version)
            self.ok(self.place.run("install", self.source("logs.pmodule", LOGS)))
        self.assertEqual(self.log(), ["update 1", "update 2"])

    def test_installation_updates_the_other_modules(self):
        self.place.write("logs.pmodule", LOGS)
        self.ok(self.place.run("install", self.source("new.sh", "do_go() { :; }\n")))
        self.assertEqual(self.log(), ["update 0"])

    def test_what_is_no_module_is_not_installed(self):
        for name, text in {"x.pmodule": "print(1)\n", "x.sh": "", "x.so": "", "x.txt": "x"}.items():
            result = self.place.run("install", self.source(name, text))
            self.assertNotEqual(result.status, 0)
            self.assertEqual(list(self.place.modules.iterdir()), [])
        self.assertNotEqual(self.place.run("install", "/nonexistent.sh").status, 0)

    def test_other_file_of_the_same_name_is_refused(self):
        self.place.write("logs.pmodule", LOGS)
        result = self.ok(self.place.run("install", self.source("logs.sh", "do_go() { :; }\n")), 1)
        self.assertIn("remove it first", result.err)

    def test_remove_runs_prerm_and_takes_everything(self):
        self.place.write("logs.pmodule", LOGS)
        self.place.hook("module.logs.prerm.before.d/10-copy",
                        'cp "$HOOKRUN_ROOT/log" %s/log' % self.place.target)
        self.ok(self.place.run("logs", "go"))
        self.ok(self.place.run("remove", "logs"))
        self.assertFalse((self.place.state / "logs").exists())
        self.assertFalse((self.place.cache / "logs").exists())
        self.assertEqual(list(self.place.modules.iterdir()), [])
        self.assertEqual((self.place.target / "log").read_text(), "go\n")

    def test_module_whose_prerm_fails_stays(self):
        self.place.write("logs.pmodule", LOGS)
        self.ok(self.place.run("logs", "bad", "stay"))
        result = self.ok(self.place.run("remove", "logs"), 1)
        self.assertIn("not removed", result.err)
        self.assertIn("logs", self.place.listed())
        self.assertEqual(self.log(), ["prerm"])

    def test_broken_module_can_be_removed(self):
        self.place.write("logs.pmodule", "def (\n")
        self.ok(self.place.run("remove", "logs"))
        self.assertEqual(self.place.listed(), {})


@as_both
class TestUpdate(StateCase):
    """Updates that fail are remembered."""

    def setUp(self):
        super().setUp()
        self.place.write("logs.pmodule", LOGS)

    def test_failed_update_is_tried_again_before_the_next_operation(self):
        self.ok(self.place.run("logs", "bad", "bad"))
        self.assertIn("bad is there", self.ok(self.place.run("update"), 1).err)
        self.assertIn("its update failed", self.place.run("list").out)
        self.assertIn("bad is there", self.place.run("state", "logs").out)
        self.assertIn("trying again", self.ok(self.place.run("logs", "go"), 1).err)
        self.assertEqual(self.log(), ["update 0", "update 0"])
        (self.place.root("logs") / "bad").unlink()
        self.ok(self.place.run("logs", "go"))
        self.assertEqual(self.log(), ["update 0"] * 3 + ["go"])
        self.ok(self.place.run("logs", "go"))
        self.assertEqual(self.log(), ["update 0"] * 3 + ["go"] * 2)
        self.assertNotIn("failed", self.place.run("list").out)

    def test_killed_update_is_tried_again(self):
        self.ok(self.place.run("logs", "bad", "slow"))
        process = self.place.start("update")
        deadline = time.monotonic() + 20
        while not self.log() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        (self.place.root("logs") / "slow").unlink()
        self.assertIn("cut off", self.ok(self.place.run("logs", "go")).err)
        self.assertEqual(self.log(), ["update 0", "update 0", "go"])

    def test_one_failed_update_does_not_stop_the_others(self):
        self.place.write("a.sh", "do_update() { false; }\n")
        self.ok(self.place.run("update"), 1)
        self.assertEqual(self.log(), ["update 0"])

    def test_update_of_named_modules(self):
        self.place.write("other.sh", "do_go() { :; }\n")
        self.ok(self.place.run("update", "logs"))
        self.assertEqual(self.log(), ["update 0"])
        self.assertIn("no operation", self.ok(self.place.run("update", "other"), 1).err)
        self.assertIn("no module", self.ok(self.place.run("update", "lost"), 1).err)


@as_both
class TestGrants(StateCase):
    """What a module asks for beyond its own folders is the user's to give."""

    def setUp(self):
        super().setUp()
        self.file = self.place.config("data", "told\n", 0o600)
        self.ask_for("read", self.file)
        self.place.write("reads.sh", 'do_go() { cat "%s"; }\n' % self.file)

    def ask_for(self, key, path):
        self.place.write("reads.json", json.dumps({"policy": {key: [str(path)]}}))

    def test_nothing_is_granted_silently(self):
        result = self.ok(self.place.run("reads", "go"), 1)
        self.assertIn("was not granted", result.err)
        self.assertIn(str(self.file), result.err)
        self.assertEqual(result.out, "")
        self.assertIn("not granted", self.ok(self.place.run("policy", "reads")).out)

    def test_grant_holds_until_it_is_taken_back(self):
        self.ok(self.place.run("policy", "reads", "--grant"))
        self.assertEqual(self.ok(self.place.run("reads", "go")).out, "told\n")
        self.assertIn(str(self.file), self.ok(self.place.run("policy", "reads")).out)
        self.ok(self.place.run("policy", "reads", "--revoke"))
        self.ok(self.place.run("reads", "go"), 1)

    def test_other_request_needs_another_grant(self):
        self.ok(self.place.run("policy", "reads", "--grant"))
        self.ask_for("write", self.file)
        self.ok(self.place.run("reads", "go"), 1)

    def test_grant_is_asked_for_at_a_terminal(self):
        result = self.ok(self.place.talk("reads", "go", keys=["y"]))
        self.assertIn("Grant it", result.out)
        self.assertIn("told\n", result.out)
        self.assertEqual(self.ok(self.place.run("reads", "go")).out, "told\n")

    def test_declined_grant_is_none(self):
        for key in ("n", None):
            self.ok(self.place.talk("reads", "go", keys=[key]), 1)
        self.ok(self.place.run("reads", "go"), 1)

    def test_malformed_request_is_the_modules_problem(self):
        for text in ("{", "[]", '{"polcy": {}}', '{"policy": {"raed": []}}', '{"policy": 3}'):
            self.place.write("reads.json", text)
            self.assertIsNotNone(self.place.listed()["reads"]["problem"], text)

    def test_policy_is_printed_as_json_too(self):
        self.ok(self.place.run("policy", "reads", "--grant"))
        text = self.ok(self.place.run("policy", "reads", "--json")).out
        self.assertIn(str(self.file), text)
        json.loads(text)


@as_both
class TestHooks(StateCase):
    """Executables in SIGNAL.d take part in operations."""

    def setUp(self):
        super().setUp()
        self.place.copy(SOURCE / "demo/modules/python/shopping.pmodule")

    def items(self):
        path = self.place.root("shopping") / "shopping.txt"
        return path.read_text() if path.exists() else ""

    def test_hook_before_can_change_the_arguments(self):
        self.place.hook("module.shopping.add.before.d/10-more",
                        """echo '{"arguments": {"item": "Two eggs"}}' >&3""")
        self.ok(self.place.run("shopping", "add", "Egg"))
        self.assertEqual(self.items(), "Two eggs\n")

    def test_bad_arguments_of_a_hook_are_refused(self):
        self.place.hook("module.shopping.add.before.d/10-bad",
                        """echo '{"arguments": {"itm": 3}}' >&3""")
        self.ok(self.place.run("shopping", "add", "Egg"), 2)
        self.assertEqual(self.items(), "")

    def test_hook_before_can_forbid_the_operation(self):
        self.place.hook("module.shopping.add.before.d/10-no", "echo 'shop is closed' >&2; exit 1")
        result = self.ok(self.place.run("shopping", "add", "Egg"), 1)
        self.assertIn("shop is closed", result.err)
        self.assertEqual(self.items(), "")

    def test_hook_after_knows_how_it_went(self):
        self.place.hook("module.shopping.add.after.d/10-tell",
                        'echo "$HOOKRUN_STATUS $HOOKRUN_MODULE" >>%s/told' % self.place.target)
        self.ok(self.place.run("shopping", "add", "Egg"))
        (self.place.root("shopping") / "shopping.txt").unlink()
        (self.place.root("shopping") / "shopping.txt").mkdir()
        self.ok(self.place.run("shopping", "add", "Egg"), 1)
        self.assertEqual((self.place.target / "told").read_text(), "done shopping\nfailed shopping\n")

    def test_hook_can_take_the_place_of_the_operation(self):
        self.place.hook("module.shopping.add.d/10-own",
                        "# hookrun: replaces=default\necho own >%s/own" % self.place.target)
        self.ok(self.place.run("shopping", "add", "Egg"))
        self.assertEqual(self.items(), "")
        self.assertTrue((self.place.target / "own").exists())

    def test_hooks_of_other_modules_do_not_matter(self):
        self.place.hook("module.other.go.d/10-no", "exit 1")
        self.ok(self.place.run("shopping", "add", "Egg"))
        self.assertEqual(self.items(), "Egg\n")

    def test_hook_that_others_can_write_is_refused(self):
        self.place.hook("module.shopping.add.d/10-open", "exit 0").chmod(0o777)
        self.assertEqual(self.place.run("shopping", "add", "Egg").status, 6)


if __name__ == "__main__":
    tap.main()
