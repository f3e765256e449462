# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installs the module's vassals for uWSGI's emperor, and reloads.

Keys: ``launcher`` (names of files in the module's folder ``uwsgi``), ``emperor`` (whether there is
one), ``vassals_dir``, ``pid_dir``, ``copy_domains`` (whether ``domains.txt`` of the configuration is
sent). Vassals are installed with ``--update-vassal-launcher``; ``--restart`` reloads.
"""
from __future__ import annotations

import os
from typing import Any

from porter.core.module import SIG_DEPLOY_FINISH, SIG_SOURCE_POST_SEND
from porter.plugins.base import BasePlugin
from porter.tools.run import run
from porter.tools.scp import copy_config_file, scp


class Plugin(BasePlugin):
    """See the module."""

    def command_line_args(self, group: Any) -> None:
        group.add_argument("--restart", action="store_true", default=False,
                           help="Reload uWSGI")
        group.add_argument("--update-vassal-launcher", action="store_true", default=False,
                           help="Install the vassals")

    def register_signal_handlers(self, module: Any) -> None:
        module.push_signal_handler(SIG_SOURCE_POST_SEND, self.post_send)
        module.push_signal_handler(SIG_DEPLOY_FINISH, self.finish)

    def post_send(self, module: Any) -> None:
        """Files that belong into the tree, before it is live."""
        if self.get_flag(module, "copy_domains"):
            copy_config_file(module, "domains.txt")

    def finish(self, module: Any) -> None:
        """The new version is live; an emperor takes up its vassals by itself."""
        args = module.project.args
        for launcher in self.get_list(module, "launcher"):
            if self.get_flag(module, "emperor") and args.get("update-vassal-launcher"):
                scp(os.path.join("uwsgi", launcher), self.vassal(module, launcher))
            if args.get("restart"):
                self.reload(module, launcher)

    def vassal(self, module: Any, launcher: str) -> str:
        """Where a vassal is installed."""
        folder = self.get_config_value(module, "vassals_dir")
        if not folder:
            raise ValueError("the key vassals_dir is missing")
        return os.path.join(str(folder), os.path.basename(launcher))

    def reload(self, module: Any, launcher: str) -> None:
        """By its process where the key ``pid_dir`` says where to find it, else by touching it."""
        folder = self.get_config_value(module, "pid_dir")
        if folder:
            name = os.path.splitext(os.path.basename(launcher))[0] + ".pid"
            run(["uwsgi", "--reload", os.path.join(str(folder), name)])
        else:
            run(["touch", "--no-create", self.vassal(module, launcher)])
