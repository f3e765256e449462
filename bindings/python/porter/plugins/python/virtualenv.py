# SPDX-License-Identifier: LGPL-2.1-or-later
"""Creates the application's virtual environment and installs what it needs.

Keys: ``path`` of the environment; ``requirements``, a list: names for pip, or ``file:PATH`` for a file
of them, in which ``__destpath__`` stands for the module's folder at the target. They are installed
into a new environment, and into an old one with ``--update-requirements``. In a launcher of
supervisor, ``__env__`` becomes the environment and ``__project__`` the folder of the live version.
"""
from __future__ import annotations

import os
import shlex
from typing import Any

from porter.core.module import SIG_SOURCE_POST_SEND
from porter.plugins.base import BasePlugin
from porter.plugins.supervisor import SIG_LAUNCHER_UPDATED
from porter.tools.run import exists, run
from porter.tools.sed import sed_replace

CREATE = """
if command -v virtualenv >/dev/null 2>&1
then virtualenv --quiet {path}
else python3 -m venv {path}
fi
"""


class Plugin(BasePlugin):
    """See the module."""

    def command_line_args(self, group: Any) -> None:
        group.add_argument("--update-requirements", action="store_true", default=False,
                           help="Install the requirements into the virtual environment")

    def register_signal_handlers(self, module: Any) -> None:
        module.push_signal_handler(SIG_SOURCE_POST_SEND, self.post_send)
        module.push_signal_handler(SIG_LAUNCHER_UPDATED, self.fill_launcher)

    def path(self, module: Any) -> str:
        """Where the environment is."""
        path = self.get_config_value(module, "path")
        if not path:
            raise ValueError("the key path is missing")
        return str(path)

    def post_send(self, module: Any) -> None:
        """Before the new version is live, which may need what is installed here."""
        path = self.path(module)
        is_new = not exists(os.path.join(path, "bin", "python"))
        if is_new:
            run(CREATE.format(path=shlex.quote(path)))
        if is_new or module.project.args.get("update-requirements"):
            self.install(module, path)

    def install(self, module: Any, path: str) -> None:
        """All of them in one call: pip then sees what excludes what."""
        words: list[str] = []
        for requirement in self.get_list(module, "requirements"):
            if requirement.startswith("file:"):
                file = requirement[len("file:"):].replace("__destpath__", module.destpath)
                words += ["-r", os.path.join(module.destpath, file)]
            else:
                words.append(requirement)
        if words:
            run([os.path.join(path, "bin", "pip"), "install", *words])

    def fill_launcher(self, module: Any, launcher: str, use_sudo: bool = False) -> None:
        """A launcher outlives this version, so it names the path of the live one."""
        if exists(launcher, use_sudo):
            sed_replace({"env": self.path(module), "project": module.livepath}, launcher,
                        use_sudo=use_sudo)
