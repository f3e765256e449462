#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hookrun-deploy over a real sshd: what the network, the server and the disk can do to it."""
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import Place  # noqa: E402
from sshd import Sshd  # noqa: E402


class SshCase(unittest.TestCase):
    """A test with an sshd and a place of its own."""

    layout = None
    sshd_lines = ""

    def setUp(self):
        self.sshd = Sshd(self.sshd_lines)
        self.addCleanup(self.sshd.close)
        self.place = Place(address=self.sshd.address, layout=self.layout, alone=True)
        self.addCleanup(self.place.close)

    def deploy(self, *words, **environment):
        return self.place.deploy(*words, **dict(self.sshd.environment, **environment))

    def ok(self, result):
        self.assertEqual(result.status, 0, repr(result))
        return result

    def deployed(self):
        """A first version is live; returns its tree."""
        self.ok(self.deploy())
        self.assertEqual(self.place.page(), "one")
        return self.place.tree()

    def untouched(self):
        self.assertFalse((self.place.target / "srv").exists())


class TestSsh(SshCase):
    """Deployments that arrive, and those that are refused."""

    def test_deploys_and_deploys_again(self):
        self.deployed()
        self.place.commit("two")
        self.ok(self.deploy())
        self.assertEqual(self.place.page(), "two")

    def test_deploys_where_there_is_no_rsync(self):
        path = self.place.project / "shop/shop.ini"
        path.write_text(path.read_text().replace("[scm]", "use_rsync = no\n[scm]"))
        self.deployed()
        self.place.commit("two")
        self.ok(self.deploy())
        self.assertEqual(self.place.page(), "two")

    def test_unknown_host_key_is_refused_without_a_terminal(self):
        (self.sshd.folder / "known_hosts").write_text("")
        result = self.deploy()
        self.assertEqual(result.status, 6, repr(result))
        self.assertIn("SHA256:", result.err)
        self.untouched()

    def test_changed_host_key_is_refused(self):
        self.sshd.trust("other")
        result = self.deploy()
        self.assertEqual(result.status, 6, repr(result))
        self.assertIn("known_hosts", result.err)
        self.untouched()

    def test_revoked_host_key_is_refused(self):
        self.sshd.trust("host", marker="@revoked ")
        result = self.deploy()
        self.assertEqual(result.status, 6, repr(result))
        self.assertIn("revoked", result.err)
        self.untouched()

    def test_refused_login(self):
        (self.sshd.folder / "authorized_keys").write_text("")
        result = self.deploy()
        self.assertEqual(result.status, 6, repr(result))
        self.untouched()

    def test_no_server(self):
        self.sshd.stop()
        result = self.deploy()
        self.assertEqual(result.status, 3, repr(result))
        self.assertIn("127.0.0.1", result.err)

    def test_porters_example_copies_to_the_server(self):
        self.place.write("shop/config/production/local_settings.py", "DEBUG = False\n")
        self.place.write("shop/deployment.py", (
            "from porter.core.module import SIG_SOURCE_POST_SEND\n"
            "from porter.tools.scp import copy_config_file\n"
            "def register_signal_handlers(module):\n"
            "    module.push_signal_handler(SIG_SOURCE_POST_SEND, post_send)\n"
            "def post_send(module, *args, **kwargs):\n"
            "    copy_config_file(module, 'local_settings.py')\n"))
        self.ok(self.deploy("--config", "production"))
        self.assertEqual((self.place.live() / "local_settings.py").read_text(), "DEBUG = False\n")


class TestOneSession(SshCase):
    """A server that opens one session on a connection, which the lock then holds."""

    sshd_lines = "MaxSessions 1"

    def test_deploys_and_undoes(self):
        self.deployed()
        self.place.commit("two")
        self.ok(self.deploy())
        before = self.place.tree()
        self.place.commit("three")
        self.place.hook("health.check", "exit 1")
        self.assertNotEqual(self.deploy().status, 0)
        self.assertEqual(self.place.tree(), before)


class TestLostConnection(SshCase):
    """The connection dies under the program; the old tree stays live and the next run works."""

    def add_bulk(self):
        for number in range(60):
            (self.place.folder / "source/shop" / ("bulk%d" % number)).write_bytes(
                os.urandom(1024 * 1024))

    def cut_during_send(self):
        """Kills the sessions as soon as the new release folder has some of the bulk."""
        releases = self.place.target / "srv/shop"
        is_over = threading.Event()

        def cut():
            while not is_over.wait(0.002):
                if any(name.startswith((".bulk", "bulk"))
                       for _, _, names in os.walk(releases) for name in names):
                    self.sshd.kill_sessions()
                    return

        thread = threading.Thread(target=cut)
        thread.start()
        result = self.deploy()
        is_over.set()
        thread.join()
        return result

    def test_in_the_middle_of_a_send(self):
        before = self.deployed()
        self.add_bulk()
        self.place.commit("two")
        result = self.cut_during_send()
        self.assertEqual(result.status, 3, repr(result))
        self.assertEqual(self.place.tree(), before)
        self.ok(self.deploy())
        self.assertEqual(self.place.page(), "two")
        self.assertEqual((self.place.live() / "bulk7").read_bytes(),
                         (self.place.folder / "source/shop/bulk7").read_bytes())

    def test_at_each_signal(self):
        self.deployed()
        for signal in ("deploy.start", "source.pre-send", "source.post-send", "release.pre-switch",
                       "health.check", "deploy.finish"):
            with self.subTest(signal=signal):
                before = self.place.tree()
                self.place.commit("cut at " + signal)
                self.place.hook(signal, "[ -e %s/cut ] || { : > %s/cut; kill -9 $(ps -o pid= "
                                "--ppid %d); sleep 0.3; }" % (self.place.folder, self.place.folder,
                                                              self.sshd.process.pid))
                result = self.deploy()
                self.assertEqual(result.status, 3, repr(result))
                time.sleep(0.5)
                self.assertEqual(self.place.tree(), before)
                self.place.unhook()
                (self.place.folder / "cut").unlink()
                self.ok(self.deploy())
                self.assertEqual(self.place.page(), "cut at " + signal)


class TestFullDisk(SshCase):
    """No space left at the target."""

    def setUp(self):
        super().setUp()
        self.disk = self.place.target / "srv"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(self.disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=True)

    def test_old_tree_stays_live(self):
        for engine in ("yes", "no"):
            with self.subTest(use_rsync=engine):
                path = self.place.project / "shop/shop.ini"
                self.place.write_ini()
                path.write_text(path.read_text().replace("[scm]", "use_rsync = %s\n[scm]" % engine))
                big = self.place.folder / "source/shop/big"
                big.unlink(missing_ok=True)
                self.place.commit("one " + engine)
                self.ok(self.deploy())
                before = self.place.tree()
                big.write_bytes(os.urandom(8 * 1024 * 1024))
                self.place.commit("two")
                result = self.deploy("--json")
                self.assertIn(result.status, (1, 4), repr(result))
                self.assertIn("No space left", result.err)
                self.assertEqual(self.place.tree(), before)
                self.assertEqual({row["module"]: row["state"] for row in result.rows()}["shop"],
                                 "rolled-back")
                big.unlink()
                self.place.commit("three " + engine)
                self.ok(self.deploy())
                self.assertEqual(self.place.page(), "three " + engine)


class TestTwoControllers(SshCase):
    """Two programs at once: one wins whole, the other is told who holds the lock."""

    def test_one_wins(self):
        self.deployed()
        other = self.place.folder / "other"
        shutil.copytree(self.place.project, other)
        shutil.rmtree(other / ".hookrun", ignore_errors=True)
        self.place.commit("two")
        gate = self.place.folder / "gate"
        self.place.hook("source.pre-send", ": > %s.reached; while [ ! -e %s ]; do sleep 0.05; done"
                        % (gate, gate))
        thread_result = []
        thread = threading.Thread(target=lambda: thread_result.append(self.deploy()))
        thread.start()
        while not os.path.exists("%s.reached" % gate):
            time.sleep(0.02)
        first, self.place.project = self.place.project, other
        second = self.deploy()
        self.place.project = first
        gate.touch()
        thread.join()
        self.assertEqual(second.status, 5, repr(second))
        self.ok(thread_result[0])
        self.assertEqual(self.place.page(), "two")


if __name__ == "__main__":
    tap.main()
