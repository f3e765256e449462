#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is live is what was sent, also where files of other content have the same size and time."""
import os
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import Place  # noqa: E402
from sshd import Sshd  # noqa: E402

# 2026-01-01 00:00:00.7
STAMP = 1767225600_700000000


class ContentCase(unittest.TestCase):
    """A module whose own folder is the source."""

    layout = None
    use_rsync = "yes"
    ssh = False

    def setUp(self):
        self.environment = {}
        address = None
        if self.ssh:
            sshd = Sshd("")
            self.addCleanup(sshd.close)
            address, self.environment = sshd.address, sshd.environment
        self.place = Place(address=address, layout=self.layout, alone=True)
        self.addCleanup(self.place.close)
        path = self.place.project / "shop/shop.ini"
        text = path.read_text().replace("depends = db\n", "use_rsync = %s\n" % self.use_rsync)
        path.write_text(text[:text.index("[scm]")] + "[scm]\nurl = none\n")
        self.file = self.write("version=1\n")
        self.big = self.place.write("shop/big", "x" * 70000)

    def write(self, text, name="shop/page"):
        """Writes a file that always has the same time."""
        path = self.place.write(name, text)
        os.utime(path, ns=(STAMP, STAMP))
        return path

    def deploy(self, *words):
        result = self.place.deploy("--module", "shop", "--json", *words, **self.environment)
        self.assertEqual(result.status, 0, repr(result))
        return result.rows()[-1]


class CommonTests:
    """What holds however the files go."""

    def test_same_size_and_time(self):
        for text in ("version=2", "version=3", "version=2"):
            self.write(text + "\n")
            row = self.deploy()
            self.assertEqual((row["state"], self.place.page()), ("deployed", text))
            self.assertEqual(int(os.stat(self.place.live() / "page").st_mtime), STAMP // 10**9)
        self.assertEqual(self.deploy()["state"], "unchanged")

    def test_file_that_a_hook_copies(self):
        for name in ("a", "b"):
            self.write("config=%s\n" % name, "shop/config/%s/page" % name)
        self.place.hook("source.pre-send", 'cp -p "$HOOKRUN_MODULEDIR/config/$HOOKRUN_CONFIG/page"'
                        ' "$HOOKRUN_SOURCEDIR/page"')
        for name in ("a", "b", "a"):
            self.deploy("--config", name)
            self.assertEqual(self.place.page(), "config=" + name)

    def test_force_heals_what_was_changed_at_the_target(self):
        self.deploy()
        live = self.place.live() / "page"
        before = os.stat(live)
        live.write_text("version=9\n")
        os.utime(live, ns=(before.st_mtime_ns, before.st_mtime_ns))
        self.assertEqual(self.deploy("--force", "*")["state"], "deployed")
        self.assertEqual(self.place.page(), "version=1")


class TestContent(CommonTests, ContentCase):
    """To a folder of this machine, by rsync."""

    def test_file_of_other_names_that_a_hook_makes(self):
        for name in ("a", "b"):
            self.write("config=%s\n" % name, "shop/config/%s/page" % name)
        self.place.hook("source.pre-send", 'ln -f "$HOOKRUN_MODULEDIR/config/$HOOKRUN_CONFIG/page"'
                        ' "$HOOKRUN_SOURCEDIR/page"')
        for name in ("a", "b"):
            self.deploy("--config", name)
            self.assertEqual(self.place.page(), "config=" + name)
            self.assertEqual(os.stat(self.place.project / "shop/config" / name / "page").st_mtime_ns,
                             STAMP)

    def test_folder_that_a_hook_sends_instead(self):
        for name in ("a", "b"):
            self.write("config=%s\n" % name, "shop/config/%s/page" % name)
        self.place.hook("source.pre-send", 'printf \'{"sourcedir": "%s/config/%s"}\''
                        ' "$HOOKRUN_MODULEDIR" "$HOOKRUN_CONFIG" >&3')
        for name in ("a", "b"):
            self.deploy("--config", name)
            self.assertEqual(self.place.page(), "config=" + name)

    def test_folder_that_changes_after_its_version_was_found(self):
        self.place.hook("deploy.start", 'cd "$HOOKRUN_MODULEDIR" && printf "version=%s\\n"'
                        ' "${TEST_VERSION:-7}" >page && touch -d "2026-01-01 00:00:00.7" page')
        first = self.deploy()
        self.assertEqual(self.place.page(), "version=7")
        self.place.unhook()
        self.assertEqual(self.deploy()["state"], "unchanged")
        self.write("version=1\n")
        second = self.deploy()
        self.assertEqual((second["state"], self.place.page()), ("deployed", "version=1"))
        self.assertNotEqual(first["version"], second["version"])

    def test_only_what_differs_is_sent(self):
        self.deploy()
        big = os.stat(self.place.live() / "big")
        self.write("version=2\n")
        self.deploy()
        self.assertEqual(os.stat(self.place.live() / "big").st_ino, big.st_ino)


class TestContentTar(CommonTests, ContentCase):
    """By the tar engine."""

    use_rsync = "no"


class TestContentInPlace(CommonTests, ContentCase):
    """Into a plain folder."""

    layout = "in-place"


class TestContentSsh(CommonTests, ContentCase):
    """Over ssh."""

    ssh = True


class TestContentSshTar(CommonTests, ContentCase):
    """Over ssh, by the tar engine."""

    ssh = True
    use_rsync = "no"


if __name__ == "__main__":
    tap.main()
