# SPDX-License-Identifier: LGPL-2.1-or-later
"""Deletes compiled files below the destination, so that none of a removed source stays."""
from __future__ import annotations

from typing import Any

from porter.core.module import SIG_SOURCE_POST_SEND
from porter.plugins.base import BasePlugin
from porter.tools.run import run


class Plugin(BasePlugin):
    """See the module."""

    def register_signal_handlers(self, module: Any) -> None:
        module.push_signal_handler(SIG_SOURCE_POST_SEND, self.remove_compiled)

    def remove_compiled(self, module: Any) -> None:
        """Only in the tree that is being filled."""
        run(["find", module.destpath, "-type", "f", "-name", "*.pyc", "-delete"])
