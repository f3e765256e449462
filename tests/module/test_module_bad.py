#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Modules that crash, loop, lie, flood and escape: each is an error of that module and nothing else."""
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import BUILD, SHOPPING, Place, as_both  # noqa: E402

ESCAPED = pathlib.Path("/tmp/hookrun-module-escaped")
HEAD = '#!/bin/sh\n[ "$1" = describe ] && { %s; exit; }\n'


class BadCase(unittest.TestCase):
    """A test with a place of its own."""

    user = None

    def setUp(self):
        self.place = Place(self.user)
        self.addCleanup(self.place.close)

    def bad(self, name):
        return self.place.copy(BUILD / ("tests/module/bad-%s.so" % name))

    def program(self, name, describe, do=""):
        return self.place.write(name, HEAD % describe + do + "\n", 0o755)

    def goes(self, name, do):
        """A program with one operation, "go"."""
        return self.program(name, """echo '{"operations": [{"name": "go"}]}'""", do)

    def problems(self):
        return {name: row["problem"] for name, row in self.place.listed().items()}

    def run_go(self, name, status=1, **options):
        result = self.place.run(name, "go", **options)
        self.assertEqual(result.status, status, repr(result))
        return result


@as_both
class TestNative(BadCase):
    """Modules in C that misbehave before anything of them is asked for."""

    def test_each_fault_is_named_and_the_sound_module_listed(self):
        for name in ("crash", "loop", "notable", "oldtable", "wrongpointer", "longtext", "runcrash"):
            self.bad(name)
        self.place.copy(SHOPPING)
        self.place.write("garbage.so", b"\x7fELF" + b"\xff" * 4000)
        self.place.write("empty.so", b"")
        began = time.monotonic()
        problems = self.problems()
        self.assertLess(time.monotonic() - began, 10)
        for name, parts in {
                "bad-crash": ("crashed with signal 6", "while it was opened", "constructors"),
                "bad-loop": ("time limit of 1 s", "while it was opened"),
                "bad-notable": ("does not export",), "bad-oldtable": ("another version",),
                "bad-wrongpointer": ("crashed with signal 11", "while it was described"),
                "bad-longtext": ("too long",), "garbage": ("garbage",), "empty": ("empty",)}.items():
            for part in parts:
                self.assertIn(part, problems[name])
        self.assertIsNone(problems["shopping"])
        self.assertIsNone(problems["bad-runcrash"])

    def test_crash_while_running_names_signal_and_stage(self):
        self.bad("runcrash")
        result = self.run_go("bad-runcrash")
        self.assertIn("signal 11", result.err)
        self.assertIn("running", result.err)

    def test_constructor_that_tries_to_escape_reaches_nothing(self):
        ESCAPED.unlink(missing_ok=True)
        self.bad("escape")
        row = self.place.listed()["bad-escape"]
        self.assertEqual((row["problem"], row["description"]), (None, ""))
        self.assertFalse(ESCAPED.exists())

    def test_crash_is_remembered_with_the_contents(self):
        self.bad("crash")
        first = self.problems()
        result = self.place.run("list", "--json", HOOKRUN_MODULE_HOSTS="/nonexistent")
        self.assertEqual(result.rows()[0]["problem"], first["bad-crash"])


@as_both
class TestFolder(BadCase):
    """A folder with a hundred modules, a third of them hostile."""

    def add_sound(self, number):
        """One sound module in each language."""
        self.place.copy(SHOPPING, "c%d.so" % number)
        self.place.write("python%d.pmodule" % number, '"""Sound"""\ndef do_go(state, args): pass\n')
        self.place.write("shell%d.sh" % number, "DESCRIPTION=Sound\ndo_go() { :; }\n")
        self.goes("program%d" % number, ":")
        return ["%s%d" % (kind, number) for kind in ("c", "python", "shell", "program")]

    def add_hostile(self):
        """The names, and how many of them use up their second."""
        for name in ("crash", "longtext", "notable", "wrongpointer", "escape"):
            for number in range(3):
                self.place.copy(BUILD / ("tests/module/bad-%s.so" % name), "z%s%d.so" % (name, number))
        for name in ("loop", "eat"):
            for number in range(2):
                self.place.copy(BUILD / ("tests/module/bad-%s.so" % name), "a%s%d.so" % (name, number))
        for number in range(2):
            self.program("asleeps%d" % number, "trap '' TERM; sleep 100")
            self.place.write("aspins%d.pmodule" % number, "while True: pass\n")
            self.place.write("aspins%d.sh" % number, "while :; do :; done\n")
            self.program("afloods%d" % number, "exec yes")
            self.program("agarbage%d" % number, "head -c 300000 /dev/urandom")
            self.place.write("akills%d.sh" % number, "kill -9 -1 $PPID\n")
            self.place.write("aeats%d.pmodule" % number, "x = bytearray(1 << 40)\n")
        self.program("aforks", "f() { f & f & wait; }; f")

    def test_hostile_modules_hide_and_delay_no_other(self):
        sound = [name for number in range(17) for name in self.add_sound(number)]
        self.add_hostile()
        began = time.monotonic()
        listed = self.place.listed()
        seconds = time.monotonic() - began
        self.assertGreaterEqual(len(listed), 100)
        for name in sound:
            self.assertIsNone(listed[name]["problem"], name)
        for name, row in listed.items():
            if name not in sound and "escape" not in name:
                self.assertIsNotNone(row["problem"], name)
                self.assertIn(name, row["problem"])
        # Eleven use up their second, two at a time; what kills its own kind is one of two.
        self.assertLess(seconds, 11 + 5)


@as_both
class TestAnswers(BadCase):
    """Descriptions that are no descriptions."""

    def test_malformed_answers_are_problems(self):
        names = {
            "deep": "head -c 1000000 /dev/zero | tr '\\0' '['",
            "huge": "head -c 3000000 /dev/zero | tr '\\0' ' '",
            "silent": ":", "text": "echo hello", "list": "echo []", "none": "echo '{}'",
            "number": """echo '{"operations": [{"name": 1}]}'""",
            "twice": """echo '{"operations": [{"name": "a"}, {"name": "a"}]}'""",
            "path": """echo '{"operations": [{"name": "../../x"}]}'""",
            "esc": """printf '{"operations": [{"name": "a\\\\u001b[2J"}]}'""",
            "options": """echo '{"operations": [{"name": "a", "options": [{"name": "--"}]}]}'""",
            "bytes": """printf '{"description": "\\377\\376"}'""",
            "exits": "exit 3", "dies": "kill -9 $$", "more": """echo '{"operations": [{"name": "a"}]} {}'""",
        }
        for name, text in names.items():
            self.program(name, text)
        for name, problem in self.problems().items():
            self.assertIsNotNone(problem, name)
            self.assertIn('module "%s"' % name, problem)
            self.assertNotIn("\x1b", problem)

    def test_loop_and_sleep_in_a_description_end_after_a_second(self):
        self.program("sleeps", "trap '' TERM; sleep 100")
        self.place.write("spins.pmodule", '"""x"""\ndef do_go(state, args): pass\n'
                                          "def describe_go():\n    while True: pass\n")
        self.place.write("spins2.sh", "do_go() { :; }\ndescribe_go() { while :; do :; done; }\n")
        began = time.monotonic()
        problems = self.problems()
        self.assertLess(time.monotonic() - began, 8)
        for problem in problems.values():
            self.assertIn("limit", problem)

    def test_description_cannot_write_or_reach_the_network(self):
        for name, code in {"w": "echo x >%s/mark" % self.place.target,
                           "c": "echo x >/dev/tcp/127.0.0.1/9"}.items():
            self.place.write(name + ".sh", "do_go() { :; }\ndescribe_go() { (%s) 2>/dev/null && "
                                           "echo escaped; }\n" % code)
            self.assertEqual(self.place.listed()[name]["operations"][0]["description"], "", name)
        self.assertEqual(list(self.place.target.iterdir()), [])


@as_both
class TestRuns(BadCase):
    """Operations that misbehave."""

    def alive(self, mark):
        """Processes whose command line has @mark, seen from outside."""
        found = subprocess.run(["pgrep", "-f", mark], capture_output=True, text=True, check=False)
        return [pid for pid in found.stdout.split() if int(pid) != os.getpid()]

    def test_daemon_is_gone_with_its_operation(self):
        mark = "4%05d.25" % (os.getpid() % 100000)
        self.goes("leaves", "(trap '' TERM HUP; setsid sleep %s || sleep %s) >/dev/null 2>&1 &" % (
            mark, mark))
        self.run_go("leaves", 0, timeout=20)
        self.assertEqual(self.alive("sleep " + mark), [])

    def test_ignored_term_does_not_help(self):
        mark = "3%05d.25" % (os.getpid() % 100000)
        self.goes("stays", "trap '' TERM INT HUP; echo up; sleep %s; sleep %s" % (mark, mark))
        process = self.place.start("stays", "go")
        process.stdout.readline()
        process.terminate()
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.alive("sleep " + mark), [])

    def test_killed_host_takes_the_module_along(self):
        mark = "2%05d.25" % (os.getpid() % 100000)
        self.goes("stays", "trap '' TERM INT HUP IO; echo up; sleep %s" % mark)
        process = self.place.start("stays", "go")
        process.stdout.readline()
        process.kill()
        process.communicate(timeout=20)
        deadline = time.monotonic() + 10
        while self.alive("sleep " + mark) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.alive("sleep " + mark), [])

    def test_limits_of_run_end_the_program(self):
        # name, what exceeds it, what must be told
        for limit, script in {
                "wall=1s": "sleep 60",
                "cpu=1s": "while :; do :; done",
                "memory=100M": "exec python3 -c 'x = bytearray(1 << 30)'",
                "disk=10M": "for i in 1 2 3; do head -c 8000000 /dev/zero >$ROOT/$i; done; sleep 60",
                "file-size=1M": "exec head -c 100000000 /dev/zero >$ROOT/f"}.items():
            with self.subTest(limit):
                result = self.place.run("run", "--limit", limit, "--", "sh", "-c", script, timeout=30)
                self.assertNotEqual(result.status, 0, repr(result))

    def test_fork_without_end_is_contained(self):
        began = time.monotonic()
        result = self.place.run("run", "--limit", "processes=20", "--limit", "wall=5s", "--", "sh", "-c",
                                "f() { f & f & wait; }; f", timeout=40)
        self.assertNotEqual(result.status, 0)
        self.assertLess(time.monotonic() - began, 30)

    def test_run_passes_status_and_streams_on(self):
        self.assertEqual(self.place.run("run", "--", "sh", "-c", "exit 42").status, 42)
        self.assertEqual(self.place.run("run", "--", "sh", "-c", "kill -15 $$").status, 143)
        self.assertEqual(self.place.run("run", "--", "no-such-program").status, 127)
        result = self.place.run("run", "--root", self.place.target, "--", "sh", "-c",
                                'pwd; echo "$ROOT"; test -d "$CACHE" && test -d "$TEMP" && echo >f')
        self.assertEqual(result.out, "%s\n%s\n" % (self.place.target, self.place.target))
        self.assertTrue((self.place.target / "f").exists())
        self.assertEqual([path for path in self.place.state.iterdir() if path.name[0] == "@"], [])

    def test_run_reads_a_policy_and_refuses_a_bad_one(self):
        secret = self.place.config("secret", "told\n", 0o600)
        good = self.place.config("good.json", '{"read": ["%s"]}' % secret)
        bad = self.place.config("bad.json", '{"raed": ["%s"]}' % secret)
        self.assertEqual(self.place.run("run", "--", "cat", secret).status, 1)
        self.assertEqual(self.place.run("run", "--policy", good, "--", "cat", secret).out, "told\n")
        result = self.place.run("run", "--policy", bad, "--", "cat", secret)
        self.assertEqual((result.status, result.out), (2, ""))

    def test_flood_is_cut_off(self):
        self.goes("floods", "exec yes $(head -c 4000 /dev/zero | tr '\\0' x)")
        result = self.run_go("floods", timeout=60)
        self.assertIn("wrote more than", result.err)

    def test_terminal_escapes_are_made_visible(self):
        self.goes("paints", "printf 'a\\033[2Jb\\007\\n'; printf 'x\\033]0;t\\007\\n' >&2; exit 1")
        self.place.write("named.pmodule", b'"""a \x1b[31m"""\ndef do_go(state, args): pass\n')
        result = self.run_go("paints")
        for text in (result.out, result.err, self.place.run("list").out):
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\x07", text)
        self.assertIn("a\\x1b[2Jb\\x07", result.out)

    def test_garbage_on_the_control_channel_ends_the_operation(self):
        for name, text in {
                "junk": "echo junk >&3; sleep 60",
                "deep": "head -c 1000000 /dev/zero | tr '\\0' '[' >&3; sleep 60",
                "answer": """echo '{"jsonrpc": "2.0", "id": 1, "result": 1}' >&3; sleep 60"""}.items():
            self.goes(name, text)
            began = time.monotonic()
            self.assertIn('module "%s"' % name, self.run_go(name).err)
            self.assertLess(time.monotonic() - began, 20)

    def test_unknown_call_and_bad_path_are_refused(self):
        self.goes("asks", "read_answer() { read -r line <&3; echo \"$line\"; }\n"
                          "echo '{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"no\"}' >&3; read_answer\n"
                          "echo '{\"jsonrpc\": \"2.0\", \"id\": 2, \"method\": \"create_file\"}' >&3; read_answer\n"
                          "create_file relative; create_file /proc/self/mem; create_file /dev/sda\n"
                          "create_file %s/one/granted.json; true" % self.place.state)
        result = self.run_go("asks", 0)
        self.assertEqual(result.out.count('"error"'), 2, repr(result))
        self.assertNotIn("stage/", result.out)
        self.assertEqual(result.err.count("create_file: "), 4, repr(result))


class TestStreams(BadCase):
    """Standard output that cannot be written."""

    def test_full_output_is_a_failure(self):
        self.goes("prints", "echo a")
        with open("/dev/full", "w") as full:
            for words in (("list",), ("list", "--json"), ("prints", "go"), ("--help",)):
                process = self.place.start(*words, stdout=full)
                _, err = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 1, words)
                self.assertIn(b"cannot write to standard output", err)

    def test_no_folder_to_install_into_is_told(self):
        result = self.place.run("--path", "", "install", SHOPPING)
        self.assertEqual(result.status, 2, repr(result))
        self.assertIn("no folder", result.err)

    def test_wrong_usage_is_told(self):
        for words in ((), ("--nonsense",), ("install",), ("undo", "x"), ("state",), ("list", "x"),
                      ("run",), ("run", "--limit", "x=1", "--", "true")):
            self.assertEqual(self.place.run(*words).status, 2, words)


if __name__ == "__main__":
    tap.main()
