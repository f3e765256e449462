#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hookrun-module explain: what was denied is told with the line that allows it, the line works where
it is said to belong, and the exit status is that of the run. As root and as an ordinary user."""
import json
import os
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import place  # noqa: E402
import tap  # noqa: E402

PEEK = """DESCRIPTION="Looks at things"
describe_peek() { echo "Look at a file"; }
do_peek() { cat "%s"; }
describe_calm() { echo "Do nothing"; }
do_calm() { echo calm; }
"""


class Case(unittest.TestCase):
    user = None

    def setUp(self):
        self.place = place.Place(self.user)
        self.addCleanup(self.place.close)
        self.secret = self.place.config("file", "content\n")

    def denial(self, result, path):
        for row in result.rows("denial"):
            if row["object"] == str(path):
                return row
        self.fail("no denial of %s: %r" % (path, result))


@place.as_both
class Program(Case):

    def test_line_allows(self):
        result = self.place.run("explain", "--", "cat", self.secret)
        self.assertEqual(result.status, 1, result)
        self.assertIn("cat wanted to read %s" % self.secret, result.out)
        self.assertIn('allowed by "read":["%s"]' % self.secret, result.out)
        self.assertIn("--policy=FILE", result.out)
        rows = self.place.run("explain", "--json", "--", "cat", self.secret)
        policy = self.place.write("policy.json", json.dumps(rows.rows("explained")[0]["policy"]))
        self.assertEqual(self.denial(rows, self.secret)["program"], "cat")
        allowed = self.place.run("explain", "--policy=%s" % policy, "--", "cat", self.secret)
        self.assertEqual((allowed.status, allowed.out), (0, "content\nNothing was denied.\n"), allowed)
        self.assertEqual(self.place.run("run", "--policy=%s" % policy, "--", "cat", self.secret).out, "content\n")

    def test_nothing_denied(self):
        result = self.place.run("explain", "--", "sh", "-c", "echo out; exit 7")
        self.assertEqual((result.status, result.out), (7, "out\nNothing was denied.\n"), result)

    def test_json_has_standard_output_for_itself(self):
        result = self.place.run("explain", "--json", "--", "sh", "-c", "echo out; kill -9 $$")
        self.assertEqual(result.status, 137, result)
        self.assertEqual([row["event"] for row in result.rows()], ["explained"])
        self.assertEqual(result.rows()[0]["exit_status"], 137)
        self.assertIn("out", result.err)

    def test_never(self):
        result = self.place.run("explain", "--", "sh", "-c", "setsid true; true")
        self.assertIn("setsid wanted to make the system call setsid\n    cannot be allowed\n", result.out)

    def test_limit(self):
        result = self.place.run("explain", "--limit", "wall=300ms", "--", "sleep", "30")
        self.assertEqual(result.status, 124, result)
        self.assertIn('go beyond the limit "wall"', result.out)

    def test_nothing_said(self):
        self.assertEqual(self.place.run("explain", "one-word").status, 2)

    def test_hint_for_a_person(self):
        self.assertIn("hookrun-module explain", self.place.talk("run", "--", "cat", self.secret).out)
        self.assertNotIn("explain", self.place.talk("run", "--", "true").out)
        self.assertNotIn("explain", self.place.run("run", "--", "cat", self.secret).err)


@place.as_both
class Module(Case):

    def setUp(self):
        super().setUp()
        self.place.write("look.sh", PEEK % self.secret)

    def test_line_allows(self):
        failed = self.place.run("look", "peek")
        self.assertEqual(failed.status, 1, failed)
        self.assertIn("try: hookrun-module explain look peek", failed.err)
        result = self.place.run("explain", "look", "peek")
        self.assertEqual(result.status, 1, result)
        sidecar = self.place.modules / "look.json"
        self.assertIn("cat wanted to read %s" % self.secret, result.out)
        self.assertIn(str(sidecar), result.out)
        rows = self.place.run("explain", "--json", "look", "peek")
        self.assertEqual(rows.rows("explained")[0]["file"], str(sidecar))
        self.denial(rows, self.secret)
        self.place.write("look.json", json.dumps({"policy": rows.rows("explained")[0]["policy"]}))
        self.assertEqual(self.place.run("policy", "look", "--grant").status, 0)
        self.assertEqual(self.place.run("look", "peek").out, "content\n")
        self.assertIn("Nothing was denied.", self.place.run("explain", "look", "peek").out)

    def test_nothing_denied(self):
        result = self.place.run("explain", "look", "calm")
        self.assertEqual((result.status, result.out), (0, "calm\nNothing was denied.\n"), result)

    def test_unknown(self):
        self.assertEqual(self.place.run("explain", "look", "missing").status, 1)
        self.assertEqual(self.place.run("explain", "missing", "peek").status, 1)


if __name__ == "__main__":
    tap.main()
