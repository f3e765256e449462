#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Failures of git: each names the repository, the cause and what to do, and nothing is deployed."""
import os
import subprocess
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import Place  # noqa: E402
from sshd import Sshd  # noqa: E402

CHECK = 'check the repository\'s address ("url" under [scm] of the module file)'


class GitCase(unittest.TestCase):
    """A project whose module shop gets its source from somewhere else."""

    def setUp(self):
        self.place = Place(alone=True)
        self.addCleanup(self.place.close)
        self.ini = self.place.project / "shop/shop.ini"
        self.whole = self.ini.read_text()
        self.repository = self.place.folder / "source/shop/.git"
        self.assertEqual(self.place.deploy().status, 0)

    def refused(self, url, status, *parts, **environment):
        line = next(line for line in self.whole.splitlines() if line.startswith("url"))
        self.ini.write_text(self.whole.replace(line, "url = " + url))
        self.place.commit("two of %d" % len(self.place.git("rev-list", "HEAD").split()))
        result = self.place.deploy(**environment)
        self.assertEqual(result.status, status, repr(result))
        self.assertEqual(result.err.count('cannot get the source from "'), 1, repr(result))
        for part in parts:
            self.assertIn(part, result.err, repr(result))
        self.assertNotIn("access rights", result.err)
        self.assertEqual(self.place.page(), "one")
        return result


class TestGit(GitCase):
    """Servers that are not there, and repositories that are not."""

    def test_unknown_host(self):
        for url in ("https://git.invalid/shop.git", "git@git.invalid:shop.git"):
            with self.subTest(url=url):
                self.refused(url, 3, url, "Could not resolve host", CHECK)

    def test_nobody_answers(self):
        for url in ("http://127.0.0.1:1/shop.git", "git://127.0.0.1:1/shop.git"):
            with self.subTest(url=url):
                self.refused(url, 3, '"%s"' % url, CHECK, "try again")

    def test_no_repository(self):
        for url in ("/nowhere/shop.git", "file:///nowhere/shop.git"):
            with self.subTest(url=url):
                self.refused(url, 1, '"%s"' % url, "does not appear to be a git repository", CHECK)

    def test_password_of_the_address_is_not_told(self):
        result = self.refused("https://me:secret@git.invalid/shop.git", 3, "https://me:…@git.invalid")
        self.assertNotIn("secret", result.out + result.err)

    def test_full_disk(self):
        """The cache of sources is on a disk that is full."""
        disk = self.place.project / "shop/repo"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        (self.place.folder / "source/shop/big").write_bytes(os.urandom(4 * 1024 * 1024))
        self.refused("file://%s" % self.repository, 1, "No space left on device",
                     "free space on the disk of \"%s" % disk)

    def test_a_lock_that_a_killed_git_left(self):
        cache = next((self.place.project / "shop/repo").rglob("source.git"))
        self.place.git("branch", "gone")
        self.assertEqual(self.place.deploy().status, 0)
        subprocess.run(["git", "--git-dir", str(cache), "pack-refs", "--all"], check=True)
        (cache / "packed-refs.lock").touch()
        self.place.git("branch", "-D", "gone")
        self.refused("file://%s" % self.repository, 5, "packed-refs.lock",
                     'remove "%s"' % cache)


class TestGitOverSsh(GitCase):
    """A real sshd that serves the repository."""

    def setUp(self):
        super().setUp()
        self.sshd = Sshd()
        self.addCleanup(self.sshd.close)
        self.url = "ssh://%s%s" % (self.sshd.address, self.repository)
        self.command = "ssh -F %s/config" % self.sshd.folder

    def fails(self, status, *parts, url=None):
        return self.refused(url or self.url, status, *parts, GIT_SSH_COMMAND=self.command)

    def test_no_repository(self):
        self.fails(1, "does not appear to be a git repository", CHECK,
                   url="ssh://%s/nowhere.git" % self.sshd.address)

    def test_login_refused(self):
        (self.sshd.folder / "authorized_keys").write_text("")
        self.fails(6, "Permission denied (publickey)", "give this user a key")

    def test_unknown_host_key(self):
        (self.sshd.folder / "known_hosts").write_text("")
        self.fails(6, "Host key verification failed", "compare the fingerprint")

    def test_changed_host_key(self):
        self.sshd.trust("other")
        self.fails(6, "has changed", "ask the server's owner", "ssh-keygen -R")

    def test_revoked_host_key(self):
        self.sshd.trust("host", "@revoked ")
        self.fails(6, "revoked", "do not go on")

    def test_connection_is_cut(self):
        """The server dies in the middle of what it sends."""
        self.sshd.extra = ("ForceCommand eval \"$SSH_ORIGINAL_COMMAND\" | "
                           "{ dd bs=64k count=12; kill -9 $PPID; }")
        self.sshd.use_host_key("host")
        self.sshd.restart()
        (self.place.folder / "source/shop/big").write_bytes(os.urandom(8 * 1024 * 1024))
        self.fails(3, "try again")


if __name__ == "__main__":
    tap.main()
