# SPDX-License-Identifier: LGPL-2.1-or-later
"""A place for tests of hookrun-module: folders of modules, states and targets, made and removed;
the program run there as root or as an ordinary user, with and without a terminal."""
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("HOOKRUN_BUILD_ROOT", "build")).resolve()
SOURCE = pathlib.Path(os.environ.get("HOOKRUN_SOURCE_ROOT", ".")).resolve()
PROGRAM = BUILD / "tools/module/hookrun-module"
HOSTS = BUILD / "libhookrun/module/hosts"
SHOPPING = BUILD / "demo/shopping.so"
# No such user needs to exist: to the kernel a user is a number.
ORDINARY = 61234


def as_both(case):
    """The users that a case is run as: this one and, where this one is root, an ordinary one."""
    if os.geteuid() == 0:
        name = case.__name__ + "AsUser"
        import __main__
        setattr(__main__, name, type(name, (case,), {"user": ORDINARY, "__module__": "__main__"}))
    return case


class Result:
    """How one run of the program ended."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    def rows(self, event=None):
        """The objects of --json, one a line."""
        rows = [json.loads(line) for line in self.out.splitlines() if line]
        return [row for row in rows if event in (None, row.get("event"))]

    def __repr__(self):
        return "status %d\n-- out\n%s\n-- err\n%s" % (self.status, self.out, self.err)


class Place:
    """Temporary folders that belong to @user; None is the user who runs the test."""

    def __init__(self, user=None):
        self.user = user
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hookrun-module-"))
        self.modules = self.folder / "modules"
        self.state = self.folder / "state"
        self.cache = self.folder / "cache"
        self.target = self.folder / "target"
        self.hooks = self.folder / "hooks"
        self.wrapper = []  # the words of a program that runs ours
        for folder in (self.modules, self.target, self.folder / "home"):
            folder.mkdir()
        self.own()

    def own(self):
        """Gives everything to the user."""
        if self.user is not None:
            for folder, _, files in os.walk(self.folder):
                for path in [folder] + [os.path.join(folder, name) for name in files]:
                    os.chown(path, self.user, self.user, follow_symlinks=False)

    def close(self):
        subprocess.run(["chmod", "-R", "u+rwx", str(self.folder)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- files

    def write(self, name, text, mode=0o644):
        """A file below modules/."""
        path = self.modules / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        self.own()
        return path

    def copy(self, source, name=None):
        """A copy below modules/ of a file with its mode."""
        path = self.modules / (name or pathlib.Path(source).name)
        shutil.copy(source, path)
        path.chmod(0o755 if os.access(source, os.X_OK) and path.suffix == "" else 0o644)
        self.own()
        return path

    def config(self, name, text, mode=0o644):
        """A file that modules may ask to change."""
        path = self.target / name
        path.write_text(text)
        path.chmod(mode)
        self.own()
        return path

    def hook(self, name, script):
        """An executable hook NAME = SIGNAL.d/FILE."""
        path = self.hooks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)
        self.own()
        return path

    def root(self, module):
        return self.state / module / "root"

    # -- the program

    def environment(self, **more):
        variables = {key: value for key, value in os.environ.items() if key != "MERGE_TOOL"}
        variables.update(
            MODULEPATH=str(self.modules), HOOKRUN_STATE_DIR=str(self.state),
            HOOKRUN_CACHE_DIR=str(self.cache), HOME=str(self.folder / "home"),
            HOOKRUN_MODULE_HOSTS=str(HOSTS), TERM="dumb",
            HOOKRUN_PYTHON_MODULE=str(SOURCE / "bindings/python/hookrun_module"))
        variables.update(more)
        return variables

    def command(self, words):
        as_user = ["setpriv", "--reuid=%d" % self.user, "--regid=%d" % self.user,
                   "--clear-groups"] if self.user is not None else []
        hooks = ["--hooks", str(self.hooks)] if self.hooks.exists() else []
        return as_user + self.wrapper + [str(PROGRAM)] + hooks + [str(word) for word in words]

    def start(self, *words, **options):
        """Starts the program without a terminal and leaves it running."""
        return subprocess.Popen(
            self.command(words), env=self.environment(**options.pop("environment", {})),
            stdin=subprocess.DEVNULL, stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE, start_new_session=True, cwd="/", **options)

    def run(self, *words, timeout=60, **environment):
        """Runs the program without a terminal."""
        process = self.start(*words, environment=environment)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return Result(process.returncode, out.decode(errors="surrogateescape"),
                      err.decode(errors="surrogateescape"))

    def talk(self, *words, keys=(), timeout=60, **environment):
        """Runs the program at a terminal of its own: each of @keys is typed when a question has
        been asked; None is the end of input. Gives the status and all that was on the screen."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir("/")
            os.execvpe(self.command(words)[0], self.command(words), self.environment(**environment))
        screen, keys, deadline = b"", list(keys), time.monotonic() + timeout
        answered = 0
        while time.monotonic() < deadline:
            if keys and screen.count(b"? ") + screen.count(b"[m]erge ") > answered:
                answered = screen.count(b"? ") + screen.count(b"[m]erge ")
                key = keys.pop(0)
                os.write(terminal, b"\x04" if key is None else key.encode() + b"\n")
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            screen += part
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        return Result(os.waitstatus_to_exitcode(status),
                      screen.decode(errors="surrogateescape").replace("\r\n", "\n"), "")

    def listed(self):
        """The modules by name, from list --json."""
        return {row["module"]: row for row in self.run("list", "--json").rows()}
