# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands at the target."""
from __future__ import annotations

import shlex
from typing import Optional, Sequence, Union

from porter.tools import host


class Result(str):
    """What a command printed, with how it ended.

    :ivar return_code: its exit status
    :ivar stderr: what it wrote to standard error
    """

    return_code: int
    stderr: str

    def __new__(cls, output: str, errors: str, status: int) -> Result:
        result = super().__new__(cls, output.rstrip("\n"))
        result.stderr = errors
        result.return_code = status
        return result

    @property
    def stdout(self) -> str:
        """What it wrote to standard output."""
        return str(self)

    @property
    def succeeded(self) -> bool:
        """Whether its exit status is zero."""
        return self.return_code == 0

    @property
    def failed(self) -> bool:
        """Whether its exit status is not zero."""
        return self.return_code != 0


def run(command: Union[str, Sequence[str]], *, check: bool = True, sudo: bool = False,
        input: Optional[str] = None, timeout: Optional[float] = None) -> Result:
    """Runs a command at the target: a list of words, or a line for its shell.

    :param check: whether an exit status other than zero is an error
    :param input: what it finds on standard input
    :param timeout: seconds that it may take
    :raises HostError: when it fails and *check* is set, or cannot be run at all
    """
    words = None if isinstance(command, str) else [str(word) for word in command]
    answer = host.call(
        "deploy.run", argv=words, script=command if isinstance(command, str) else None,
        input=input, check=check, sudo=sudo or None,
        timeout_ms=int(timeout * 1000) if timeout else None)
    return Result(answer.get("stdout", ""), answer.get("stderr", ""), answer.get("status", 0))


def sudo(command: Union[str, Sequence[str]], *, check: bool = True,
         input: Optional[str] = None) -> Result:
    """Like :func:`run`, as root."""
    return run(command, check=check, sudo=True, input=input)


def exists(path: str, use_sudo: bool = False) -> bool:
    """Whether there is something at *path*."""
    return run(["test", "-e", path], check=False, sudo=use_sudo).succeeded


def is_folder(path: str) -> bool:
    """Whether there is a folder at *path*."""
    return run(["test", "-d", path], check=False).succeeded


def write(path: str, text: str, use_sudo: bool = False) -> None:
    """Writes a small file whole, or not at all."""
    name, new = shlex.quote(path), shlex.quote(path + ".hookrun-new")
    run("umask 022 && cat > %s && mv -f %s %s" % (new, new, name), input=text, sudo=use_sudo)
