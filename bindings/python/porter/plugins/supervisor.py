# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stops the module's group of supervisor during a deployment, installs its launcher, starts it.

Keys: ``launcher`` (default ``MODULE.conf``, in the module's folder ``supervisor`` or in the
module's folder), ``group_name`` (default: the module's name), ``use_sudo`` and ``conf_dir`` (default
``/etc/supervisor/conf.d``). The launcher is installed with ``--update-launcher``; then the signal
``supervisor-launcher-updated`` tells where it is. A group that was stopped is started on every way
out of a deployment, a failed one too.
"""
from __future__ import annotations

import os
from typing import Any

from hookrun_worker.api import log
from porter.core.module import SIG_DEPLOY_FINISH, SIG_DEPLOY_START
from porter.plugins.base import BasePlugin
from porter.tools.run import Result, run, write

SIG_LAUNCHER_UPDATED = "supervisor-launcher-updated"
CONF_DIR = "/etc/supervisor/conf.d"


class Plugin(BasePlugin):
    """See the module."""

    def command_line_args(self, group: Any) -> None:
        group.add_argument("--update-launcher", action="store_true", default=False,
                           help="Install the supervisor launcher")

    def register_signal_handlers(self, module: Any) -> None:
        module.push_signal_handler(SIG_DEPLOY_START, self.start)
        module.push_signal_handler(SIG_DEPLOY_FINISH, self.finish)
        module.push_signal_handler("deploy.failed", self.failed)
        module.push_signal_handler("rollback.finish", self.rolled_back)

    def control(self, module: Any, *words: str, check: bool = True) -> Result:
        """Runs supervisorctl; without *check* a failure is a line in the log."""
        result = run(["supervisorctl", *words], check=check,
                     sudo=self.get_flag(module, "use_sudo"))
        if result.failed:
            log.warning("supervisorctl %s: %s", " ".join(words), result or result.stderr.strip())
        return result

    def group(self, module: Any) -> str:
        """All programs of the group."""
        return "%s:*" % self.get_config_value(module, "group_name", module.modulename)

    def start(self, module: Any) -> None:
        """Before anything changes: on the first deployment there is no group yet."""
        self.control(module, "stop", self.group(module), check=False)

    def finish(self, module: Any) -> None:
        """The new version is live."""
        if module.project.args.get("update-launcher"):
            self.install(module)
            self.control(module, "update")
        result = self.control(module, "start", self.group(module), check=False)
        if result.failed and "already started" not in result + result.stderr:
            raise RuntimeError("supervisor did not start %s: %s"
                               % (self.group(module), result or result.stderr.strip()))

    def failed(self, module: Any) -> None:
        """What was stopped for a deployment that failed runs again."""
        self.control(module, "start", self.group(module), check=False)

    def rolled_back(self, module: Any) -> None:
        """It runs the old version again."""
        self.control(module, "restart", self.group(module), check=False)

    def install(self, module: Any) -> None:
        """Writes the launcher and tells others where it is."""
        name = str(self.get_config_value(module, "launcher", "%s.conf" % module.modulename))
        local = os.path.join(module.moduledir, "supervisor", name)
        if not os.path.exists(local):
            local = os.path.join(module.moduledir, name)
        folder = str(self.get_config_value(module, "conf_dir", CONF_DIR))
        launcher = os.path.join(folder, "%s.conf" % module.modulename)
        use_sudo = self.get_flag(module, "use_sudo")
        with open(local, encoding="utf-8") as file:
            write(launcher, file.read(), use_sudo)
        module.signal(SIG_LAUNCHER_UPDATED, launcher=launcher, use_sudo=use_sudo)
