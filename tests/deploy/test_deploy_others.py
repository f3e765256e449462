#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A login user who is not root, and a plain folder in which others have files, too."""
import os
import pathlib
import shutil
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import Place  # noqa: E402
from sshd import Sshd  # noqa: E402

LOGIN, OTHER = 47011, 47012


class SshdOfAUser(Sshd):
    """An sshd that sees one more user than this machine has."""

    def start(self):
        self.folder.chmod(0o711)
        (self.folder / "passwd").write_text(
            pathlib.Path("/etc/passwd").read_text()
            + "hookrun-test:*:%d:%d::%s:/bin/sh\n" % (LOGIN, LOGIN, self.folder))
        self.user = "hookrun-test"
        super().start()

    def command(self):
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"',
                str(self.folder / "passwd"), *super().command()]


class TestFilesOfOthers(unittest.TestCase):
    """Only root may link them (fs.protected_hardlinks); some cannot even be read."""

    def setUp(self):
        self.sshd = SshdOfAUser()
        self.addCleanup(self.sshd.close)
        self.place = Place(self.sshd.address, layout="in-place", alone=True)
        self.addCleanup(self.place.close)
        self.live = self.place.target / "srv/shop"
        self.live.mkdir(parents=True)
        for folder in (self.place.folder, self.place.target):
            folder.chmod(0o711)
        os.chown(self.live, LOGIN, LOGIN)

    def deploy(self, engine="yes"):
        self.place.write_ini()
        path = self.place.project / "shop/shop.ini"
        path.write_text(path.read_text().replace("[scm]", "use_rsync = %s\n[scm]" % engine))
        return self.place.deploy(**self.sshd.environment)

    def theirs(self, name, text, mode):
        path = self.live / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, OTHER, OTHER)
        return path

    def owned(self):
        """All that is there with its owner and content, as root sees it."""
        return {str(path.relative_to(self.live)):
                (path.lstat().st_uid, path.lstat().st_mode, path.is_file() and path.read_bytes())
                for path in self.live.rglob("*") if ".hookrun" not in path.parts}

    def clear(self):
        shutil.rmtree(self.live)
        self.live.mkdir()
        os.chown(self.live, LOGIN, LOGIN)

    def fill(self):
        """What an application of another user may have left: readable, not readable, and a folder."""
        self.theirs("uploads/photo", "photo", 0o644)
        self.theirs("uploads/secret", "secret", 0o600)
        os.symlink("photo", self.live / "uploads/link")
        os.lchown(self.live / "uploads/link", OTHER, OTHER)
        self.theirs("private/key", "key", 0o600)
        for name, mode in (("uploads", 0o755), ("private", 0o700)):
            (self.live / name).chmod(mode)
            os.chown(self.live / name, OTHER, OTHER)

    def test_they_stay_whatever_happens(self):
        for engine in ("yes", "no"):
            with self.subTest(use_rsync=engine):
                self.fill()
                theirs = self.owned()
                self.place.commit("one " + engine)
                result = self.deploy(engine)
                self.assertEqual(result.status, 0, repr(result))
                before = self.owned()
                self.assertEqual({name: before[name] for name in theirs}, theirs)
                self.place.commit("two " + engine)
                self.place.hook("health.check", "echo no luck; exit 1")
                result = self.deploy(engine)
                self.assertEqual(result.status, 4, repr(result))
                self.assertEqual(self.owned(), before)
                self.place.unhook()
                self.clear()

    def test_their_file_comes_back_where_it_was_replaced(self):
        """Readable, and in the source: it comes back as a copy, which is the login user's."""
        for engine in ("yes", "no"):
            with self.subTest(use_rsync=engine):
                page = self.theirs("page", "theirs", 0o640)
                page.chmod(0o644)
                self.place.hook("health.check", "exit 1")
                result = self.deploy(engine)
                self.assertEqual(result.status, 4, repr(result))
                self.assertEqual((page.read_text(), page.stat().st_mode & 0o777), ("theirs", 0o644))
                self.place.unhook()
                self.assertEqual(self.deploy(engine).status, 0)
                self.assertEqual(self.place.page(), "one")
                self.clear()

    def test_what_could_not_come_back_is_not_replaced(self):
        for engine in ("yes", "no"):
            with self.subTest(use_rsync=engine):
                self.theirs("page", "theirs", 0o600)
                before = self.owned()
                result = self.deploy(engine)
                self.assertIn(result.status, (1, 4), repr(result))
                for part in ("page of %s belongs to user %d" % (self.live, OTHER),
                             "cannot be read by user %d" % LOGIN, "Make it readable"):
                    self.assertIn(part, result.err)
                self.assertEqual(self.owned(), before)
                self.assertFalse((self.live / "bin").exists())
                (self.live / "page").chmod(0o644)
                self.assertEqual(self.deploy(engine).status, 0)
                self.clear()


if __name__ == "__main__":
    tap.main()
