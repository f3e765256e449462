#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hookrun-watch from its command line: what it prints, in which form, and how it ends."""
import base64
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402

PROGRAM = os.path.join(os.environ["HOOKRUN_BUILD_ROOT"], "tools/watch/hookrun-watch")
PATIENCE_S = 20


class WatchCase(unittest.TestCase):
    """A folder, and the program on it."""

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="hookrun-watch-")
        self.addCleanup(place.cleanup)
        self.top = pathlib.Path(place.name)
        self.folder = self.top / "w"
        self.folder.mkdir()

    def start(self, *arguments, paths=None):
        """Starts it and waits until it is ready; gives the process."""
        process = subprocess.Popen([PROGRAM, "--print", *arguments] + (paths or [str(self.folder)]),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.top)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.ready = process.stderr.readline()
        self.assertRegex(self.ready, rb"^ready: \d+ folders\n$")
        return process

    def end(self, process, number=signal.SIGTERM):
        """Ends it when all is told; gives what it printed and its status."""
        time.sleep(0.3)
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE_S)
        return output, process.returncode

    def refused(self, *arguments, **options):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                              cwd=self.top, timeout=PATIENCE_S, **options)
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr


class Output(WatchCase):
    def test_lines(self):
        process = self.start()
        (self.folder / "f").write_text("x")
        (self.folder / "f").rename(self.folder / "g")
        (self.folder / "g").unlink()
        output, status = self.end(process)
        self.assertEqual(status, 0)
        lines = output.decode().splitlines()
        where = str(self.folder)
        self.assertEqual(lines[0], "created\t%s/f" % where)
        self.assertEqual(lines[-2:], ["moved\t%s/g\t%s/f" % (where, where), "removed\t%s/g" % where])

    def test_as_they_come(self):
        process = self.start()
        for number in range(5):
            (self.folder / str(number)).mkdir()
            self.assertEqual(process.stdout.readline(), b"created\t%s/%d\n" % (os.fsencode(self.folder), number))

    def test_here_without_a_path(self):
        process = subprocess.Popen([PROGRAM, "--print", "--once"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=self.folder)
        process.stderr.readline()
        (self.folder / "f").write_text("")
        output, _ = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((output, process.returncode), (b"created\t./f\n", 0))

    def test_null(self):
        process = self.start("--null")
        os.mkdir(os.fsencode(self.folder) + b"/new\nline\tand\xff")
        os.rename(os.fsencode(self.folder) + b"/new\nline\tand\xff", os.fsencode(self.folder) + b"/m")
        output, _ = self.end(process)
        where = os.fsencode(self.folder)
        odd = where + b"/new\nline\tand\xff"
        self.assertEqual(output.split(b"\0"), [b"created", odd, b"moved", where + b"/m", odd, b""])

    def test_json(self):
        process = self.start("--json")
        os.mkdir(os.fsencode(self.folder) + b"/\xff\"\n")
        os.makedirs(self.folder / "a/b")
        output, _ = self.end(process)
        rows = [json.loads(line) for line in output.decode().splitlines()]
        self.assertEqual(base64.b64decode(rows[0]["path_base64"]), os.fsencode(self.folder) + b"/\xff\"\n")
        self.assertEqual([row["kind"] for row in rows], ["created"] * 3)
        self.assertEqual(rows[2]["path"], str(self.folder / "a/b"))
        self.assertEqual(rows[2]["type"], "folder")
        self.assertLess(abs(rows[0]["time_us"] / 1e6 - time.time()), 30)

    def test_kinds(self):
        process = self.start("--kind", "removed,moved", "-k", "attributes")
        (self.folder / "f").write_text("x")
        (self.folder / "f").chmod(0o600)
        (self.folder / "f").unlink()
        output, _ = self.end(process)
        self.assertEqual([line.split(b"\t")[0] for line in output.splitlines()], [b"attributes", b"removed"])

    def test_settle(self):
        process = self.start("--settle", "1000")
        (self.folder / "short").write_text("x")
        (self.folder / "short").unlink()
        with open(self.folder / "grows", "w", encoding="ascii") as file:
            for _ in range(10):
                file.write("x")
                file.flush()
                time.sleep(0.05)
        time.sleep(1.5)
        output, _ = self.end(process)
        self.assertEqual(output.decode(), "created\t%s/grows\n" % self.folder)

    def test_shallow(self):
        (self.folder / "d").mkdir()
        process = self.start("--shallow")
        self.assertEqual(self.ready, b"ready: 1 folders\n")
        (self.folder / "d/f").write_text("x")
        output, _ = self.end(process)
        self.assertEqual(output, b"")

    def test_several_paths(self):
        (self.top / "file").write_text("x")
        process = self.start(paths=["w", "file"])
        (self.top / "file").write_text("y")
        self.assertEqual(process.stdout.readline(), b"changed\tfile\n")
        (self.folder / "f").mkdir()
        while process.stdout.readline() != b"created\tw/f\n":
            pass

    def test_nobody_reads(self):
        process = self.start()
        process.stdout.close()
        (self.folder / "f").write_text("x")
        self.assertIn(process.wait(PATIENCE_S), (1, -signal.SIGPIPE))
        process.stdout = open(os.devnull, "rb")


class Ends(WatchCase):
    def test_interrupted(self):
        self.assertEqual(self.end(self.start(), signal.SIGINT), (b"", 130))

    def test_missing(self):
        status, text = self.refused("--print", "nowhere")
        self.assertEqual(status, 1)
        self.assertIn("nowhere", text)

    def test_wrong_usage(self):
        for arguments in (["w"], ["--print", "--kind", "burnt", "w"], ["--print", "--json", "--null"],
                          ["--print", "--backend", "guess"], ["--print", "--settle", "-1"], ["--odd"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.refused(*arguments)[0], 2)

    def test_limit_is_explained(self):
        for number in range(20):
            (self.folder / str(number)).mkdir()
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "sh", "-c",
             "echo 10 > /proc/sys/user/max_inotify_watches && exec \"$0\" --print \"$1\"", PROGRAM,
             str(self.folder)], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn("fs.inotify.max_user_watches", done.stderr)
        self.assertNotIn("ready", done.stderr)

    def test_idle_sleeps(self):
        process = self.start()

        def switches():
            return [path.read_text().split("voluntary_ctxt_switches:")[1].split()[0]
                    for path in sorted(pathlib.Path("/proc/%d/task" % process.pid).glob("*/status"))]
        time.sleep(0.3)
        before = switches()
        time.sleep(1)
        self.assertEqual(switches(), before)


if __name__ == "__main__":
    tap.main()
