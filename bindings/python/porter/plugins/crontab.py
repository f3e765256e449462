# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installs the module's crontab.

``file`` is its name, ``MODULE.crontab`` by default, in the module's folder ``crontab`` or in the
module's folder itself. It is installed with ``--update-crontab``, when the new version is live.
"""
from __future__ import annotations

import os
from typing import Any

from porter.core.module import SIG_DEPLOY_FINISH
from porter.plugins.base import BasePlugin
from porter.tools.run import run


class Plugin(BasePlugin):
    """See the module."""

    def command_line_args(self, group: Any) -> None:
        group.add_argument("--update-crontab", action="store_true", default=False,
                           help="Install the module's crontab")

    def register_signal_handlers(self, module: Any) -> None:
        module.push_signal_handler(SIG_DEPLOY_FINISH, self.finish)

    def find(self, module: Any) -> str:
        """The local file."""
        name = str(self.get_config_value(module, "file", module.modulename))
        if not name.endswith(".crontab"):
            name += ".crontab"
        inside = os.path.join(module.moduledir, "crontab", name)
        return inside if os.path.exists(inside) else os.path.join(module.moduledir, name)

    def finish(self, module: Any) -> None:
        """Hands the crontab to cron, which checks it before it takes it."""
        if not module.project.args.get("update-crontab"):
            return
        with open(self.find(module), encoding="utf-8") as file:
            text = file.read()
        run(["crontab", "-"], input=text if text.endswith("\n") else text + "\n")
