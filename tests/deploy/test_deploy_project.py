#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the modules of a project go, whose folder that is, and what a project file may not say."""
import os
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import Place, SIGNALS  # noqa: E402


class TestProject(unittest.TestCase):
    """To a folder of this machine."""

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)

    def ok(self, result):
        self.assertEqual(result.status, 0, repr(result))
        return result

    def test_two_modules_in_one_folder_are_refused(self):
        path = self.place.project / "shop/shop.ini"
        whole = path.read_text()
        for wrong, word in (("/srv/db", "same"), ("/srv//db/./", "same"), ("/srv/db/in/it", "lies in"),
                            ("/srv", "lies in"), ("/x\npath-here = /srv/db", "same")):
            with self.subTest(path=wrong):
                path.write_text(whole.replace("/srv/shop", wrong))
                for words in ((), ("--dry-run",), ("--module", "db")):
                    result = self.place.deploy(*words)
                    self.assertEqual(result.status, 2, repr(result))
                    for part in ("shop/shop.ini line %d" % (3 if "\n" in wrong else 2),
                                 "db/db.ini line 2", word):
                        self.assertIn(part, result.err)
                self.assertEqual(list(self.place.target.iterdir()), [])
        path.write_text(whole.replace("/srv/shop", "/srv/db-shop"))
        self.ok(self.place.deploy())

    def test_files_that_others_can_write_are_refused(self):
        for name in ("project.ini", "shop/shop.ini", "shop", "."):
            path = self.place.project / name
            mode = path.stat().st_mode & 0o777
            for bits in (0o020, 0o002):
                with self.subTest(name=name, bits=bits):
                    path.chmod(mode | bits)
                    for words in (("--host", "here"), ("hosts",)):
                        result = self.place.run(*words)
                        self.assertEqual(result.status, 6, repr(result))
                        self.assertIn(str(path).removesuffix("/."), result.err)
                        self.assertIn("chmod go-w", result.err)
            path.chmod(mode)
        self.assertEqual(list(self.place.target.iterdir()), [])
        self.ok(self.place.run("hosts"))

    def test_handlers_tells_all_signals(self):
        self.place.hook("deploy.start", "true")
        self.place.write("shop/deployment.d/source.send.d/10-mine", "#!/bin/sh\n# hookrun: replaces=default\n")
        (self.place.project / "shop/deployment.d/source.send.d/10-mine").chmod(0o755)
        rows = [row for row in self.ok(self.place.run("handlers", "--host", "here", "--json")).rows()
                if row["module"] == "shop"]
        self.assertEqual(set(SIGNALS) - {row["signal"] for row in rows}, set())
        found = {signal: [row["handler"] for row in rows if row["signal"] == signal] for signal in SIGNALS}
        self.assertEqual(found["release.stage"], ["default"])
        self.assertEqual(found["health.check"], [""])
        self.assertNotIn("default", found["source.send"])
        self.assertEqual(len(found["source.send"]), 1)
        self.assertEqual(len(found["deploy.start"]), 1)

    def test_folder_of_another_module_is_taken_over_by_force_only(self):
        self.ok(self.place.deploy("--module", "db"))
        before = self.place.tree("db")
        for module, path in (("db", "/srv/x"), ("shop", "/srv/db")):
            ini = self.place.project / module / (module + ".ini")
            ini.write_text(ini.read_text().replace("/srv/" + module, path))
        for words in ((), ("--dry-run",)):
            result = self.place.deploy(*words)
            self.assertEqual(result.status, 1, repr(result))
            for part in ('"/srv/db" on here belongs to module "db" of project "test"', "--force shop"):
                self.assertIn(part, result.err)
            self.assertEqual(self.place.tree("db"), before)
        self.ok(self.place.deploy("--force", "shop"))
        self.assertIn("echo shop", (self.place.live("db") / "bin/run").read_text())
        self.ok(self.place.deploy())

    def test_unknown_section_of_the_project_is_refused(self):
        path = self.place.project / "project.ini"
        whole = path.read_text()
        for wrong, part in (("hsots", "did you mean [hosts]"), ("settings", "[project], [hosts], [modules]")):
            with self.subTest(section=wrong):
                path.write_text(whole + "[%s]\nkey = value\n" % wrong)
                result = self.place.deploy()
                self.assertEqual(result.status, 2, repr(result))
                for text in ("project.ini line 9", "[%s]" % wrong, part):
                    self.assertIn(text, result.err)

    def test_two_project_files_in_one_folder_share_no_journal(self):
        other = self.place.project / "other.ini"
        other.write_text((self.place.project / "project.ini").read_text().replace(
            "name = test", "name = other").replace(str(self.place.target), str(self.place.folder / "b")))
        (self.place.folder / "b").mkdir()
        self.ok(self.place.deploy())
        done = self.ok(self.place.deploy("-C", str(other), "status", "--json"))
        self.assertEqual({row["last_run"] for row in done.rows()}, {"none"})
        self.ok(self.place.deploy("-C", str(other)))
        self.assertTrue((self.place.project / ".hookrun/other.ini/here/shop.journal").exists())
        self.assertTrue((self.place.project / ".hookrun/here/shop.journal").exists())


if __name__ == "__main__":
    tap.main()
