# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a module may call: ``create_file`` and ``execute``."""
import os
import shlex
import subprocess

from hookrun_module import control


def create_file(path) -> str:
    """Gives the path of a staged file to write in the place of @path. The user is shown the
    difference when the operation has ended, and decides."""
    return control.call("create_file", path=os.path.abspath(os.path.expanduser(os.fspath(path))))[
        "path"]


def execute(command, pipe_output=False, pipe_error=False, err=None, check=True):
    """Runs a program inside the sandbox. No shell takes part: a text is split into words the way a
    shell would. A status other than 0 raises. Gives the output when it was asked for."""
    words = shlex.split(command) if isinstance(command, str) else [os.fspath(one) for one in command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, check=check, text=True, errors="replace",
                          stdout=subprocess.PIPE if pipe_output else None,
                          stderr=subprocess.PIPE if pipe_error else err)
    parts = ([done.stdout] if pipe_output else []) + ([done.stderr] if pipe_error else [])
    return "".join(parts) if parts else None
