#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hookrun-deploy at a target that is there and says nothing: it ends, and soon when it is told to."""
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import PROGRAM, Place  # noqa: E402
from sshd import Sshd  # noqa: E402


class SilentCase(unittest.TestCase):
    """A program at a real sshd, started and waited for by the test."""

    sshd_lines = ""

    def setUp(self):
        self.sshd = Sshd(self.sshd_lines)
        self.addCleanup(self.sshd.close)
        self.place = Place(address=self.sshd.address)
        self.addCleanup(self.place.close)

    def sessions(self):
        children = "/proc/%d/task/%d/children" % (self.sshd.process.pid, self.sshd.process.pid)
        with open(children) as file:
            return [int(pid) for pid in file.read().split()]

    def start(self, *words):
        child = subprocess.Popen([str(PROGRAM), "-C", str(self.place.project), "--host", "here",
                                  *words], env=dict(os.environ, **self.sshd.environment),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.kill)
        return child

    def end(self, child, limit):
        """The status and what was said; fails when it takes longer than @limit seconds."""
        started = time.monotonic()
        _, text = child.communicate(timeout=4 * limit)
        self.assertLess(time.monotonic() - started, limit, text)
        return child.returncode, text


class TestLogin(SilentCase):
    """The login shell never comes to the command, as with "sleep 1000" in ~/.bashrc."""

    sshd_lines = "ForceCommand sleep 1000"

    def started(self, *words):
        child = self.start(*words)
        for _ in range(200):
            if self.sessions():
                break
            time.sleep(0.05)
        time.sleep(1)
        self.assertIsNone(child.poll())
        return child

    def test_a_signal_ends_it(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(signal=number.name):
                child = self.started()
                child.send_signal(number)
                status, text = self.end(child, 8)
                self.assertEqual(status, 130, text)
                self.assertIn("taking the lock was cancelled", text)

    def test_a_signal_ends_a_look(self):
        child = self.started("status")
        child.terminate()
        self.assertEqual(self.end(child, 8)[0], 130)


class TestDeadline(SilentCase):
    """Nobody interrupts it."""

    sshd_lines = TestLogin.sshd_lines

    def test_login_is_given_up(self):
        children = [self.start(), self.start("status")]
        for child in children:
            status, text = self.end(child, 45)
            self.assertEqual(status, 3, text)
            for part in (self.sshd.address, "login shell", "within 30 s", "~/.bashrc"):
                self.assertIn(part, text)


class TestStopped(SilentCase):
    """The server stands still in the middle of a run."""

    def test_a_signal_ends_it_in_bounded_time(self):
        self.assertEqual(self.end(self.start(), 60)[0], 0)
        self.place.commit("two")
        reached = self.place.folder / "reached"
        self.place.hook("source.post-send", "kill -STOP $(ps -o pid= --ppid %d); : >%s"
                        % (self.sshd.process.pid, reached))
        child = self.start()
        for _ in range(600):
            if reached.exists():
                break
            time.sleep(0.05)
        time.sleep(2)
        sessions = self.sessions()
        child.terminate()
        status, text = self.end(child, 60)
        for pid in sessions:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(status, 130, text)
        self.assertEqual(self.place.page(), "one")
        self.place.unhook()
        self.assertEqual(self.end(self.start(), 60)[0], 0)
        self.assertEqual(self.place.page(), "two")


if __name__ == "__main__":
    tap.main()
