#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What hookrun-deploy says and leaves at a target: the truth of status, modes, and who reads it."""
import os
import shutil
import stat
import subprocess
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import PROGRAM, Place  # noqa: E402
from sshd import Sshd  # noqa: E402


class TruthCase(unittest.TestCase):
    """A place of its own, with a module "shop" in /srv/shop."""

    layout = None

    def setUp(self):
        self.place = Place(layout=self.layout)
        self.addCleanup(self.place.close)
        self.base = self.place.target / "srv/shop"

    def ok(self, result):
        self.assertEqual(result.status, 0, repr(result))
        return result

    def shop(self, result):
        return [row for row in result.rows() if row["module"] == "shop"][0]


class TestStatus(TruthCase):
    """The record is one thing, what is live another."""

    def setUp(self):
        super().setUp()
        self.ok(self.place.deploy())
        self.older = os.readlink(self.base / "current")
        self.place.commit("two")
        self.ok(self.place.deploy())

    def check(self, state, status):
        result = self.place.deploy("status", "--json")
        self.assertEqual(result.status, status, repr(result))
        self.assertEqual(self.shop(result)["state"], state)
        return result

    def repaired(self):
        """A deployment of what is recorded makes it live again."""
        self.ok(self.place.deploy())
        self.assertEqual(self.place.page(), "two")
        self.check("deployed", 0)

    def test_truth_is_told(self):
        row = self.shop(self.check("deployed", 0))
        self.assertEqual(row["live"], row["id"])

    def test_older_release(self):
        (self.base / "current").unlink()
        (self.base / "current").symlink_to(self.older)
        result = self.check("other", 1)
        self.assertIn("another release is live (%s)" % self.older.split("/")[1], result.err)
        self.repaired()

    def test_no_link(self):
        (self.base / "current").unlink()
        self.check("missing", 1)
        self.repaired()

    def test_no_releases(self):
        for path in (self.base / "releases").iterdir():
            shutil.rmtree(path)
        self.check("missing", 1)
        self.repaired()

    def test_link_to_somewhere_else(self):
        victim = self.place.folder / "victim"
        victim.mkdir()
        (self.base / "current").unlink()
        (self.base / "current").symlink_to(victim)
        self.check("astray", 1)
        for words in ((), ("--dry-run",)):
            with self.subTest(words=words):
                result = self.place.deploy(*words)
                self.assertEqual(result.status, 1, repr(result))
                for part in ("srv/shop/current leads to %s" % victim, "remove it"):
                    self.assertIn(part, result.err)
        self.assertEqual(list(victim.iterdir()), [])
        (self.base / "current").unlink()
        self.repaired()

    def test_file_of_the_other_layout_is_not_looked_at(self):
        (self.base / ".hookrun/current").write_text("x y z\n")
        self.check("deployed", 0)
        self.ok(self.place.deploy())


class TestStatusInPlace(TruthCase):
    """The same in Porter's plain folder."""

    layout = "in-place"

    def test_damaged_name_is_named(self):
        self.ok(self.place.deploy())
        self.assertEqual(self.shop(self.place.deploy("status", "--json"))["state"], "deployed")
        (self.base / ".hookrun/current").write_text("x y z\n")
        result = self.place.deploy("status")
        self.assertEqual(result.status, 1, repr(result))
        self.assertIn("/srv/shop/.hookrun/current is damaged", result.err)
        (self.base / ".hookrun/current").unlink()
        self.assertEqual(self.shop(self.place.deploy("status", "--json"))["state"], "missing")
        self.ok(self.place.deploy())
        self.assertEqual(self.shop(self.place.deploy("status", "--json"))["state"], "deployed")


class TestModes(TruthCase):
    """Modes are those of the source and of hookrun, whatever the umask is."""

    def setUp(self):
        super().setUp()
        source = self.place.project / "shop"
        ini = source / "shop.ini"
        ini.write_text(ini.read_text().split("[scm]")[0] + "[scm]\nurl = none\n")
        (source / "page").write_text("one")
        (source / "page").chmod(0o640)
        source.chmod(0o750)

    def mode(self, path):
        return stat.S_IMODE(path.stat().st_mode)

    def modes(self):
        state = self.base / ".hookrun"
        local = self.place.project / ".hookrun"
        return {str(path): "%o" % self.mode(path) for path in (
            self.base, self.base / "current", self.base / "current/page", self.base / "releases",
            state, state / "deployed.json", state / "history", state / "writers", local,
            local / "here", local / "here/shop.journal", local / "here/shop.journal.lock")
            if os.path.lexists(path)}

    def deploy_under(self, mask, *words):
        subprocess.run(["sh", "-c", 'umask %s; exec "$@"' % mask, "sh", str(PROGRAM), "-C",
                        str(self.place.project), "--host", "here", "-q", "-m", "shop", *words],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def wanted(self):
        found = self.modes()
        self.assertEqual(found[str(self.base / "current")], "750")
        self.assertEqual(found[str(self.base / "current/page")], "640")
        self.assertEqual(found[str(self.base / ".hookrun")], "700")
        self.assertEqual(found[str(self.base / ".hookrun/deployed.json")], "644")
        self.assertEqual(found[str(self.place.project / ".hookrun/here/shop.journal")], "600")
        self.assertEqual(found[str(self.place.project / ".hookrun/here")], "755")
        return found

    def clean(self):
        shutil.rmtree(self.base)
        shutil.rmtree(self.place.project / ".hookrun")

    def test_umask_here(self):
        modes = []
        for mask in ("022", "000", "077", "777"):
            with self.subTest(umask=mask):
                self.deploy_under(mask)
                modes.append(self.wanted())
                self.assertEqual(modes[-1], modes[0])
                self.clean()

    def test_tar(self):
        path = self.place.project / "shop/shop.ini"
        path.write_text(path.read_text().replace("[scm]", "use_rsync = no\n[scm]"))
        self.deploy_under("000")
        self.wanted()

    def test_umask_there(self):
        sshd = Sshd("ForceCommand umask 077; eval \"$SSH_ORIGINAL_COMMAND\"")
        self.addCleanup(sshd.close)
        os.environ.update(sshd.environment)
        self.place.address = sshd.address
        ini = (self.place.project / "shop/shop.ini").read_text()
        self.place.write_ini()
        (self.place.project / "shop/shop.ini").write_text(
            ini.replace("/srv/shop", str(self.base)))
        self.deploy_under("022")
        self.wanted()


class TestReader(TruthCase):
    """Whoever reads what is printed goes away in the middle."""

    def test_the_deployment_goes_on(self):
        self.place.hook("source.post-send", "for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.1; done")
        out, into = os.pipe()
        os.close(out)
        child = subprocess.run([str(PROGRAM), "-C", str(self.place.project), "--host", "here"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=into)
        os.close(into)
        self.assertEqual(child.returncode, 0)
        self.assertEqual(self.place.page(), "one")
        self.assertEqual(self.place.last_run(), "done")

    def test_hooks_get_the_default_back(self):
        self.place.hook("source.post-send", "grep SigIgn /proc/$$/status >%s/ignored"
                        % self.place.folder)
        self.ok(self.place.deploy())
        ignored = int((self.place.folder / "ignored").read_text().split()[1], 16)
        self.assertEqual(ignored & (1 << 12), 0)


if __name__ == "__main__":
    tap.main()
