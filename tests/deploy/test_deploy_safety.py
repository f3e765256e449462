#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a deployment must never touch: looking changes nothing, and what others made stays."""
import os
import subprocess
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import PROGRAM, Place  # noqa: E402

SOMEBODY = 65534


class SafetyCase(unittest.TestCase):
    """A test with a place of its own."""

    layout = None

    def setUp(self):
        self.place = Place(layout=self.layout)
        self.addCleanup(self.place.close)
        self.shop = self.place.target / "srv/shop"

    def ok(self, result):
        self.assertEqual(result.status, 0, repr(result))
        return result


class TestLooking(SafetyCase):
    """Dry runs and status."""

    def test_looking_makes_no_folder(self):
        self.place.target.rmdir()
        self.assertIn("for the first time", self.ok(self.place.deploy("--dry-run")).out)
        self.ok(self.place.run("status", "--host", "here"))
        self.assertFalse(self.place.target.exists())
        self.ok(self.place.deploy())
        self.assertEqual(self.place.page(), "one")

    def run_as_somebody(self, *words):
        for folder, _, names in os.walk(self.place.folder):
            if not folder.startswith(str(self.place.target)):
                for path in [folder] + [os.path.join(folder, name) for name in names]:
                    os.lchown(path, SOMEBODY, SOMEBODY)
        environment = dict(os.environ, HOME=str(self.place.folder), XDG_RUNTIME_DIR="",
                           XDG_CACHE_HOME=str(self.place.folder / "cache"),
                           GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
        return subprocess.run([str(PROGRAM), "-C", str(self.place.project), *words],
                              env=environment, user=SOMEBODY, group=SOMEBODY, extra_groups=[],
                              capture_output=True, text=True, timeout=60, check=False)

    def test_what_cannot_be_read_is_not_missing(self):
        self.ok(self.place.deploy())
        for words in (["--host", "here", "--dry-run"], ["status", "--host", "here"]):
            done = self.run_as_somebody(*words)
            self.assertNotEqual(done.returncode, 0, done.stdout)
            self.assertNotIn("for the first time", done.stdout)
            for part in ("/srv/db/.hookrun", "Permission denied", "as root"):
                self.assertIn(part, done.stderr)


if __name__ == "__main__":
    tap.main()
