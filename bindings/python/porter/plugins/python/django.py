# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sends the settings of the chosen configuration and runs migrations.

Keys: ``settings_file`` (a file of the configuration) and ``settings_dir`` (its folder in the tree);
``migrate`` (default yes) says whether ``--migrate-database`` runs the migrations, with the
environment of the plugin ``porter.plugins.python.virtualenv``; ``django-syncdb`` is emitted before.
"""
from __future__ import annotations

import os
import shlex
from typing import Any

from porter.core.module import SIG_SOURCE_POST_SEND
from porter.plugins.python.base import Plugin as PythonPlugin
from porter.tools.run import run
from porter.tools.scp import copy_config_file

SIG_SYNCDB = "django-syncdb"
VIRTUALENV = "plugin:porter.plugins.python.virtualenv"


class Plugin(PythonPlugin):
    """See the module."""

    def command_line_args(self, group: Any) -> None:
        group.add_argument("--migrate-database", action="store_true", default=False,
                           help="Run the migrations of the database")

    def register_signal_handlers(self, module: Any) -> None:
        super().register_signal_handlers(module)
        module.push_signal_handler(SIG_SOURCE_POST_SEND, self.post_send)

    def post_send(self, module: Any) -> None:
        """Settings first: the migrations need them."""
        file = self.get_config_value(module, "settings_file")
        if file:
            self.send_settings(module, str(file))
        if module.project.args.get("migrate-database") and self.get_flag(module, "migrate", True):
            self.migrate(module, file)

    def folder(self, module: Any) -> str:
        """The settings' folder in the tree; empty for the tree itself."""
        return str(self.get_config_value(module, "settings_dir") or "").strip("/")

    def send_settings(self, module: Any, file: str) -> None:
        """A configuration without settings of its own leaves those of the source alone."""
        if os.path.exists(os.path.join(module.get_config_dir(), file)):
            copy_config_file(module, file, os.path.join(module.destpath, self.folder(module), file))

    def migrate(self, module: Any, file: Any) -> None:
        """Runs manage.py in the tree that is being filled."""
        environment = module.get_config_value(VIRTUALENV, "path")
        python = os.path.join(str(environment), "bin", "python") if environment else "python3"
        settings = ""
        if file:
            name = os.path.splitext(os.path.join(self.folder(module), str(file)))[0]
            settings = "DJANGO_SETTINGS_MODULE=%s " % shlex.quote(name.replace("/", "."))
        module.signal(SIG_SYNCDB)
        run("cd %s && %s%s manage.py migrate --noinput"
            % (shlex.quote(module.destpath), settings, shlex.quote(python)))
