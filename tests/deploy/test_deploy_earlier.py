#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs that a kill -9 cut short: what the next deployment, a resume and a look make of them."""
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


class EarlierCase(unittest.TestCase):
    """A place where a first version is live."""

    layout = None

    def setUp(self):
        self.place = Place(layout=self.layout)
        self.addCleanup(self.place.close)
        self.ok(self.place.deploy())

    def ok(self, result):
        self.assertEqual(result.status, 0, repr(result))
        return result

    def row(self, result):
        return [row for row in result.rows() if row["module"] == "shop"][0]

    def kill_when(self, is_time, *words, path=""):
        """Starts a run and kills it as soon as it is time, whatever the hooks do."""
        child = subprocess.Popen([str(PROGRAM), "-C", str(self.place.project), "--host", "here",
                                  "-q", *words], stdin=subprocess.DEVNULL,
                                 env=dict(os.environ, PATH=path + os.environ["PATH"]),
                                 stdout=subprocess.DEVNULL)
        for _ in range(4000):
            if is_time():
                break
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
        self.assertEqual(child.wait(), -signal.SIGKILL)


class TestPastCommit(EarlierCase):
    """Killed while the target confirms the release, which it then does to the end."""

    def setUp(self):
        super().setUp()
        self.place.commit("two")
        journal = self.place.target / "srv/shop/.hookrun/journal"
        reached = self.place.folder / "reached"
        programs = self.place.folder / "programs"
        programs.mkdir()
        (programs / "sync").write_text(
            "#!/bin/sh\n[ -e %s ] || ! grep -q ^confirm %s 2>/dev/null || { : >%s; sleep 1; }\n"
            'exec /bin/sync "$@"\n' % (reached, journal, reached))
        (programs / "sync").chmod(0o755)
        self.kill_when(reached.exists, path="%s:" % programs)
        for _ in range(200):
            if not journal.exists():
                break
            time.sleep(0.05)
        self.assertEqual(self.place.page(), "two")

    def test_the_next_deployment_finishes_it(self):
        result = self.ok(self.place.deploy("--json"))
        self.assertEqual(self.row(result)["state"], "unchanged")
        self.assertEqual(self.row(result)["earlier_run"], "finished")
        self.assertEqual(self.place.last_run(), "done")
        record = self.place.target / "srv/shop/.hookrun/deployed.json"
        self.assertIn(self.row(result)["version"], record.read_text())

    def test_the_next_deployment_goes_on_with_a_newer_version(self):
        self.place.commit("three")
        result = self.ok(self.place.deploy())
        self.assertIn("finishing it first", result.err)
        self.assertEqual(self.place.page(), "three")
        self.assertEqual(self.place.last_run(), "done")

    def test_resume_finishes_it_after_the_source_moved_on(self):
        self.place.commit("three")
        result = self.ok(self.place.run("resume", "--host", "here", "--json"))
        self.assertEqual(self.row(result)["state"], "deployed")
        self.assertEqual(self.place.page(), "two")

    def test_it_cannot_be_rolled_back(self):
        result = self.place.run("rollback", "--host", "here", "--json")
        self.assertEqual(result.status, 1, repr(result))
        self.assertEqual(self.row(result)["state"], "incomplete")
        for part in ("past its commit point", "what it did stands", "resume it", "earlier version"):
            self.assertIn(part, result.err)
        self.assertEqual(self.place.page(), "two")
        self.ok(self.place.run("resume", "--host", "here"))
        self.assertEqual(self.place.page(), "two")

    def test_a_dry_run_says_so(self):
        result = self.ok(self.place.deploy("--dry-run", "--json"))
        self.assertEqual(self.row(result)["earlier_run"], "finish")
        self.assertIn("would be finished first", self.row(result)["summary"])


class TestPastCommitInPlace(TestPastCommit):
    """The same in Porter's plain folder."""

    layout = "in-place"


class TestBeforeSeal(EarlierCase):
    """Killed before the tree was complete."""

    def kill_in(self, name, *words):
        """Two hooks, of which the second one is under way; what ran is in the file "ran"."""
        place = self.place
        place.hook(name, "echo one >>%s/ran" % place.folder, name="10-one")
        place.hook(name, "echo two >>%s/ran; [ -e %s/again ] || { : >%s/reached; sleep 5; }"
                   % ((place.folder,) * 3), name="20-two")
        self.kill_when((place.folder / "reached").exists, *words)
        (place.folder / "again").touch()

    def test_resume_of_a_forced_run_is_forced(self):
        live = os.readlink(self.place.target / "srv/shop/current")
        self.kill_in("source.post-send", "--force", "shop")
        result = self.ok(self.place.run("resume", "--host", "here"))
        self.assertNotIn("nothing to resume", result.err)
        self.assertNotEqual(os.readlink(self.place.target / "srv/shop/current"), live)
        self.assertEqual(self.place.last_run(), "done")

    def test_what_was_taken_back_is_not_called_nothing(self):
        self.place.commit("two")
        self.kill_in("source.pre-send")
        self.place.git("reset", "-q", "--hard", "HEAD~1")
        result = self.ok(self.place.run("resume", "--host", "here"))
        self.assertIn("taking it back first", result.err)
        self.assertNotIn("nothing to resume", result.err)
        self.assertIn("unchanged", result.out)

    def test_its_hooks_run_again(self):
        self.place.commit("two")
        self.kill_in("source.post-send")
        self.ok(self.place.run("resume", "--host", "here"))
        self.assertEqual((self.place.folder / "ran").read_text().split(), ["one", "two"] * 2)

    def test_a_dry_run_says_so(self):
        self.place.commit("two")
        self.kill_in("source.pre-send")
        result = self.ok(self.place.deploy("--dry-run"))
        self.assertIn("would be taken back first", result.out)


class TestSealed(EarlierCase):
    """Killed after the tree was complete and before its release was confirmed."""

    kill_in = TestBeforeSeal.kill_in

    def test_finished_hooks_do_not_run_again(self):
        self.place.commit("two")
        self.kill_in("health.check")
        self.ok(self.place.run("resume", "--host", "here"))
        self.assertEqual((self.place.folder / "ran").read_text().split(), ["one", "two", "two"])
        self.assertEqual(self.place.page(), "two")

    def test_a_source_that_moved_on_is_deployed_anew(self):
        self.place.commit("two")
        self.kill_in("health.check")
        version = self.place.commit("three")
        self.ok(self.place.run("resume", "--host", "here"))
        self.assertEqual(self.place.page(), "three")
        row = self.row(self.place.run("status", "--host", "here", "--json"))
        self.assertEqual(row["version"], "main@" + version)


if __name__ == "__main__":
    tap.main()
