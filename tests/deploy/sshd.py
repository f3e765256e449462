# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real sshd on the loopback for tests: keys, configuration and processes in a folder of its own."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sshd:
    """Starts sshd; `address` is for [hosts], `environment` makes ssh and hookrun use its files."""

    def __init__(self, extra=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hookrun-sshd-"))
        self.port = free_port()
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.process = None
        for name in ("host", "other", "user"):
            self.make_key(name)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized_keys")
        self.extra = extra
        self.use_host_key("host")
        self.trust("host")
        (self.folder / "config").write_text(
            "Host *\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n"
            "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
            "  UpdateHostKeys no\n"
            % (self.folder / "user", self.folder / "known_hosts"))
        self.start()

    @property
    def address(self):
        return "%s@127.0.0.1:%d" % (self.user, self.port)

    @property
    def environment(self):
        return {"HOOKRUN_SSH_CONFIG": str(self.folder / "config"), "SSH_AUTH_SOCK": ""}

    def make_key(self, name):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name,
                        "-f", str(self.folder / name)], check=True)

    def public_key(self, name):
        return " ".join((self.folder / (name + ".pub")).read_text().split()[:2])

    def trust(self, name, marker=""):
        """Makes known_hosts say that this is the host's key."""
        (self.folder / "known_hosts").write_text(
            "%s[127.0.0.1]:%d %s\n" % (marker, self.port, self.public_key(name)))

    def use_host_key(self, name):
        (self.folder / "sshd_config").write_text(
            "Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\n"
            "UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nLogLevel ERROR\nSubsystem sftp internal-sftp\n%s\n"
            % (self.port, self.folder / name, self.folder / "authorized_keys", self.extra))

    def command(self):
        return ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def start(self):
        os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL, stderr=open(self.folder / "log", "ab"),
            start_new_session=True)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("sshd did not start: " + (self.folder / "log").read_text())

    def stop(self):
        if self.process is None:
            return
        self.kill_sessions()
        self.process.terminate()
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def kill_sessions(self):
        """Cuts all connections: kills the children of the listening sshd."""
        children = pathlib.Path("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid))
        for pid in children.read_text().split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
