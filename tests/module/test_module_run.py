#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`hookrun-module run`: each exit status that the manual page names, and what stands behind it."""
import os
import pathlib
import signal
import sys
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import Place, as_both  # noqa: E402

LACKING = pathlib.Path(__file__).resolve().parent / "lacking.py"


class RunCase(unittest.TestCase):
    """A test with a place of its own."""

    user = None

    def setUp(self):
        self.place = Place(self.user)
        self.addCleanup(self.place.close)

    def run_shell(self, script, *options, **more):
        return self.place.run("run", *options, "--", "sh", "-c", script, **more)

    def left_behind(self):
        """What runs of no module keep below the state folder."""
        return [path for path in self.place.state.iterdir() if path.name[0] == "@"]


@as_both
class TestPassedOn(RunCase):
    """The program's own status."""

    def test_status_of_the_program(self):
        for status in (0, 1, 2, 42, 124, 125, 130, 255):
            result = self.run_shell("exit %d" % status)
            self.assertEqual((result.status, result.err), (status, ""))

    def test_signal_that_killed_it(self):
        for number in (signal.SIGHUP, signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
            result = self.run_shell("kill -%d $$" % number)
            self.assertEqual(result.status, 128 + number, repr(result))

    def test_no_such_program(self):
        for program in ("no-such-program", "/no/such/program"):
            result = self.place.run("run", "--", program)
            self.assertEqual(result.status, 127, repr(result))
            self.assertIn(program, result.err)

    def test_what_cannot_be_executed(self):
        result = self.place.run("run", "--", "/etc/passwd")
        self.assertEqual(result.status, 1, repr(result))
        self.assertIn('"execute": ["/etc/passwd"]', result.err)

    def test_wrong_usage(self):
        malformed = self.place.config("malformed.json", "{")
        for options in (("--limit", "memory=1"), ("--limit", "memory"), ("--limit", "nothing=1"),
                        ("--policy", malformed)):
            result = self.run_shell("echo ran", *options)
            self.assertEqual((result.status, result.out), (2, ""), options)

    def test_missing_folders_and_files(self):
        for option in ("--root", "--cache", "--temp", "--policy"):
            result = self.run_shell("echo ran", option, "/no/such/place")
            self.assertEqual((result.status, result.out), (1, ""), option)
            self.assertIn('"/no/such/place"', result.err)

    def test_nothing_is_left_behind(self):
        self.run_shell("echo >$ROOT/f; echo >$CACHE/f; echo >$TEMP/f; exit 3")
        self.assertEqual(self.left_behind(), [])


@as_both
class TestLimits(RunCase):
    """124 when a limit ends the program, and the limit is named; else its own status."""

    def exceed(self, limit, script):
        began = time.monotonic()
        result = self.run_shell(script, "--limit", limit, "--limit", "wall=20s" if "wall" not in limit
                                else limit)
        self.assertLess(time.monotonic() - began, 30)
        return result

    def test_limits_that_end_it(self):
        for limit, script in {
                "wall=1s": "sleep 60",
                "cpu=1s": "while :; do :; done",
                "disk=10M": "for i in 1 2 3; do head -c 8000000 /dev/zero >$ROOT/$i; done; sleep 60",
                "file-size=1M": "exec head -c 100000000 /dev/zero >$ROOT/f",
                "processes=20": "f() { f & f & wait; }; f"}.items():
            result = self.exceed(limit, script)
            self.assertEqual(result.status, 124, "%s: %r" % (limit, result))
            self.assertIn('its limit "%s" allows' % limit.split("=")[0], result.err)
        self.assertEqual(self.left_behind(), [])

    def test_daemon_is_ended_too(self):
        mark = "60.%d" % os.getpid()
        result = self.exceed("wall=1s", "sleep %s & sleep %s" % (mark, mark))
        self.assertEqual(result.status, 124)
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(mark.encode(), path.read_bytes())
            except OSError:
                pass

    def test_limits_that_the_kernel_answers(self):
        # The program is told by its own calls, and may go on.
        result = self.exceed("descriptors=10", "exec 12</dev/null")
        self.assertNotIn(result.status, (0, 124, 125))
        result = self.exceed("memory=200M", "python3 -c 'x = bytearray(1 << 30)' || exit 9")
        self.assertIn(result.status, (9, 124), repr(result))

    def test_interrupted(self):
        process = self.place.start("run", "--", "sh", "-c", "echo >$ROOT/ready; sleep 60")
        deadline = time.monotonic() + 20
        while not list(self.place.state.glob("@run-*/root/ready")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.left_behind(), [])


@as_both
class TestNotConfined(RunCase):
    """125 when the kernel lacks what a policy promises: nothing is run, and the lack is named."""

    def run_lacking(self, parts, policy):
        self.place.wrapper = ["/usr/bin/python3", str(LACKING)] + parts.split() + ["--"]
        path = self.place.config("policy.json", policy)
        return self.run_shell("echo ran", "--policy", path)

    def test_what_is_lacking_is_named(self):
        for parts, policy, told in (
                ("landlock", '{"tier": "fast"}', "no Landlock"),
                ("landlock namespaces", "{}", "no Landlock and makes no namespaces"),
                ("landlock namespaces", '{"tier": "strong"}', "no Landlock"),
                ("seccomp", "{}", "no system call filters"),
                ("namespaces", '{"tier": "strong"}', "no namespaces")):
            result = self.run_lacking(parts, policy)
            self.assertEqual((result.status, result.out), (125, ""), "%s, %s: %r" % (parts, policy, result))
            self.assertIn(told, result.err)
            self.assertEqual(self.left_behind(), [])

    def test_what_is_not_needed_may_be_lacking(self):
        for parts in "namespaces", "landlock":
            result = self.run_lacking(parts, "{}")
            self.assertEqual((result.status, result.out), (0, "ran\n"), "%s: %r" % (parts, result))


if __name__ == "__main__":
    tap.main()
