# SPDX-License-Identifier: LGPL-2.1-or-later
"""A place for tests of hookrun-deploy: a project with git sources and a target, made and removed."""
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

BUILD = pathlib.Path(os.environ.get("HOOKRUN_BUILD_ROOT", "build")).resolve()
SOURCE = pathlib.Path(os.environ.get("HOOKRUN_SOURCE_ROOT", ".")).resolve()
PROGRAM = BUILD / "tools/deploy/hookrun-deploy"

# Every signal of a deployment that succeeds, in the order of their emission.
SIGNALS = [
    "deploy.run", "deploy.start", "source.checkout", "release.stage", "source.pre-send",
    "source.send", "release.verify", "source.post-send", "release.pre-switch", "release.switch",
    "health.check", "deploy.finish", "release.confirm",
]


# The folders of one test take less.
SPACE = 1024 * 1024 * 1024


def scratch():
    """Where folders of tests are made: in memory, if there is space, where nothing waits for a disk
    that others keep busy."""
    memory = "/dev/shm"
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return None
    space = os.statvfs(memory)
    fits = space.f_bavail * space.f_frsize >= SPACE and not space.f_flag & os.ST_NOEXEC
    return memory if fits else None


class Result:
    """How one run of the program ended."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    def rows(self):
        """The objects of --json, one a line."""
        return [json.loads(line) for line in self.out.splitlines() if line]

    def __repr__(self):
        return "status %d\n-- out\n%s\n-- err\n%s" % (self.status, self.out, self.err)


class Place:
    """A project in a temporary folder: module shop, which needs db unless it is alone; host here is
    local."""

    def __init__(self, address=None, layout=None, alone=False):
        self.modules = {"shop": ""} if alone else {"db": "", "shop": "depends = db\n"}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hookrun-deploy-", dir=scratch()))
        self.target = self.folder / "target"
        self.project = self.folder / "project"
        self.target.mkdir()
        self.address = address or "local:%s" % self.target
        self.layout = layout
        for module in self.modules:
            (self.project / module).mkdir(parents=True)
            self.make_source(module)
        self.write_ini()

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- sources

    def git(self, *words, module="shop"):
        environment = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
        done = subprocess.run(
            ["git", "-C", str(self.folder / "source" / module), "-c", "user.name=t",
             "-c", "user.email=t@example.org", "-c", "core.compression=0", *words],
            env=environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def make_source(self, module):
        folder = self.folder / "source" / module
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", module=module)
        (folder / "page").write_text("one\n")
        (folder / "bin").mkdir()
        (folder / "bin/run").write_text("#!/bin/sh\necho %s\n" % module)
        (folder / "bin/run").chmod(0o755)
        self.commit("one", module=module)

    def commit(self, text, module="shop"):
        """Commits a new version of the file "page"."""
        (self.folder / "source" / module / "page").write_text(text + "\n")
        self.git("add", "-A", module=module)
        self.git("commit", "-q", "-m", text, module=module)
        return self.git("rev-parse", "--short=10", "HEAD", module=module)

    # -- project files

    def write_ini(self, hosts=None, shop=""):
        hosts = hosts or {"here": self.address}
        (self.project / "project.ini").write_text(
            "[project]\nname = test\ndepends = shop\n[hosts]\n"
            + "".join("%s = %s\n" % item for item in hosts.items())
            + "[modules]\n" + "".join("%s =\n" % module for module in self.modules))
        layout = "layout = %s\n" % self.layout if self.layout else ""
        for module, depends in self.modules.items():
            (self.project / module / (module + ".ini")).write_text(
                "[module]\npath = %s\n%s%s[scm]\nurl = file://%s\n[release:stable]\nbranch = main\n%s"
                % (self.destination(module), depends, layout,
                   self.folder / "source" / module / ".git", shop if module == "shop" else ""))

    def destination(self, module):
        """The module's folder as the ini names it."""
        if self.address.startswith("local:"):
            return "/srv/" + module
        return str(self.target / "srv" / module)

    def hook(self, signal, script, name="50-test", module="shop"):
        """Writes an executable hook; @script follows the #! line."""
        folder = self.project / module / "deployment.d" / (signal + ".d")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)
        return path

    def unhook(self, module="shop"):
        shutil.rmtree(self.project / module / "deployment.d", ignore_errors=True)

    def write(self, name, text):
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode & ~(stat.S_IWGRP | stat.S_IWOTH))
        return path

    # -- the program

    def run(self, *words, timeout=240, stdout=subprocess.PIPE, prefix=(), **environment):
        """Runs hookrun-deploy on the project; @prefix is a command that runs it."""
        variables = dict(os.environ, HOOKRUN_PYTHON_WORKER=str(SOURCE / "bindings/python/hookrun_worker"),
                         HOOKRUN_RSH_HELPER=str(BUILD / "libhookrun/remote/hookrun-rsh"),
                         GIT_CONFIG_GLOBAL="/dev/null", **environment)
        done = subprocess.run([*prefix, str(PROGRAM), "-C", str(self.project), *words], env=variables,
                              stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
        return Result(done.returncode, done.stdout, done.stderr)

    def deploy(self, *words, **environment):
        return self.run("--host", "here", *words, **environment)

    # -- the truth, seen from outside

    def live(self, module="shop"):
        """The folder that is live, or None."""
        base = self.target / "srv" / module
        if self.layout == "in-place":
            return base if (base / "page").exists() else None
        current = base / "current"
        return current if current.is_dir() else None

    def page(self, module="shop"):
        """What the live tree serves, or None."""
        folder = self.live(module)
        return (folder / "page").read_text().strip() if folder else None

    def tree(self, module="shop"):
        """All live files with contents and modes, for a comparison byte for byte."""
        folder = self.live(module)
        if folder is None:
            return None
        found = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if name.startswith(".hookrun"):
                continue
            mode = path.lstat().st_mode
            found[name] = (mode, os.readlink(path) if path.is_symlink()
                           else path.read_bytes() if path.is_file() else None)
        return found

    def last_run(self, module="shop"):
        """What the journal says of the last run."""
        for row in self.run("status", "--host", "here", "--json").rows():
            if row["module"] == module:
                return row["last_run"]
        return None
