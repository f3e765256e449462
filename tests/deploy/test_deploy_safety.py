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
        self.place = Place(layout=self.layout, alone=True)
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
            for part in ("/srv/shop/.hookrun", "Permission denied", "as root"):
                self.assertIn(part, done.stderr)


class TestStage(SafetyCase):
    """What hooks do to the new release is nothing to the live one."""

    def test_hook_that_writes_into_the_stage_leaves_the_live_release_alone(self):
        (self.place.folder / "source/shop/log.txt").write_text("old\n")
        self.place.commit("one")
        self.ok(self.place.deploy())
        before = self.place.tree()
        self.place.commit("two")
        for signal in ("source.pre-send", "source.post-send", "health.check"):
            script = 'echo x >> "$HOOKRUN_STAGEDIR/log.txt" && exit 1'
            self.place.hook(signal, script.replace("$HOOKRUN_STAGEDIR", "%s$HOOKRUN_STAGEDIR" % self.place.target))
            result = self.place.deploy()
            self.assertEqual(result.status, 4, repr(result))
            self.assertEqual(self.place.tree(), before, signal)
            self.place.unhook()
        self.ok(self.place.deploy())
        self.assertEqual(self.place.page(), "two")

    def test_without_hooks_unchanged_files_take_no_space(self):
        self.ok(self.place.deploy())
        self.place.commit("two")
        self.ok(self.place.deploy())
        inodes = {path.stat().st_ino for path in self.shop.glob("releases/*/bin/run")}
        clones = os.system("cd %s && cp --reflink=always page x 2>/dev/null" % self.place.live()) == 0
        self.assertEqual(len(inodes), 2 if clones else 1)


class TestInPlace(SafetyCase):
    """The plain folder, in which others write, too."""

    layout = "in-place"
    application = """cd %s
mkdir -p uploads && echo "customer data" > uploads/photo.jpg
echo new > state.tmp && mv state.tmp state.json
echo new > page.tmp && mv page.tmp page
"""

    def prepare(self):
        (self.place.folder / "source/shop/gone").write_text("gone\n")
        (self.place.folder / "source/shop/state.json").write_text("old\n")
        self.place.commit("one")
        self.ok(self.place.deploy())
        self.place.commit("two")
        (self.place.folder / "source/shop/fresh").write_text("fresh\n")
        self.place.commit("two")

    def assert_nothing_lost(self, text):
        self.assertEqual((self.shop / "uploads/photo.jpg").read_text(), "customer data\n")
        self.assertEqual((self.shop / "state.json").read_text(), "new\n")
        self.assertEqual(self.place.page(), "one")
        self.assertFalse((self.shop / "fresh").exists())
        aside = list(self.shop.glob(".hookrun/set-aside/*/page"))
        self.assertEqual([path.read_text() for path in aside], ["new\n"])
        self.assertIn("set aside", text)
        self.assertIn("page", text)

    def test_what_the_application_made_stays(self):
        self.prepare()
        self.place.hook("source.post-send", self.application % self.shop + "exit 1")
        result = self.place.deploy()
        self.assertEqual(result.status, 4, repr(result))
        self.assert_nothing_lost(result.err + result.out)

    def test_what_the_application_made_after_a_kill_stays(self):
        self.prepare()
        self.place.hook("source.post-send", "(%s) && kill -9 $PPID" % self.application % self.shop)
        self.assertEqual(self.place.deploy().status, -9)
        self.place.unhook()
        result = self.ok(self.place.run("rollback", "--host", "here"))
        self.assert_nothing_lost(result.err + result.out)


class TestForeignState(SafetyCase):
    """root deploys into a folder whose owner may not be trusted."""

    def setUp(self):
        super().setUp()
        self.shop.mkdir(parents=True)
        self.victim = self.place.folder / "victim"
        self.victim.mkdir(mode=0o755)
        (self.victim / "lock").write_text("precious")
        os.chown(self.shop, SOMEBODY, SOMEBODY)

    def refused(self, *words):
        result = self.place.deploy("--module", "shop")
        self.assertNotEqual(result.status, 0, repr(result))
        for word in words + ("Permission denied",):
            self.assertIn(word, result.err)
        self.assertEqual((self.victim / "lock").read_text(), "precious")
        self.assertEqual(os.listdir(self.victim), ["lock"])
        self.assertEqual(self.victim.stat().st_mode & 0o777, 0o755)

    def test_links_are_not_followed(self):
        for name in (".hookrun", "releases", "shared"):
            with self.subTest(name=name):
                (self.shop / name).symlink_to(self.victim)
                self.refused("/srv/shop/" + name, "symbolic link", "remove it")
                (self.shop / name).unlink()
        (self.shop / ".hookrun").mkdir()
        for name in ("lock", "writers", "journal", "history", "manifests"):
            with self.subTest(name=name):
                (self.shop / ".hookrun" / name).symlink_to(self.victim / "lock")
                self.refused("/srv/shop/.hookrun/" + name, "symbolic link", "remove it")
                (self.shop / ".hookrun" / name).unlink()

    def test_what_somebody_else_owns_is_refused(self):
        for name in (".hookrun", "releases", ".hookrun/lock"):
            with self.subTest(name=name):
                path = self.shop / name
                if name.endswith("lock"):
                    path.write_text("")
                else:
                    path.mkdir()
                os.chown(path, SOMEBODY, SOMEBODY)
                self.refused("/srv/shop/" + name, "belongs to user 65534", "chown")
                os.chown(path, 0, 0)


if __name__ == "__main__":
    tap.main()
