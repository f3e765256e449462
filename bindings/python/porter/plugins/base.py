# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a plugin is: options for the command line, and handlers of a module's signals."""
from __future__ import annotations

from typing import Any

TRUE = ("1", "yes", "true", "on", "y", "t")


class BasePlugin:
    """Derive ``class Plugin(BasePlugin)`` in a module; ``[plugin:that.module]`` brings it in."""

    def command_line_args(self, group: Any) -> None:
        """Adds options; *group* is used like a group of an argparse parser."""

    def register_signal_handlers(self, module: Any) -> None:
        """Adds handlers with ``module.push_signal_handler(SIG_…, function)``."""

    def get_config_value(self, module: Any, option: str, default: Any = None) -> Any:
        """A key of the plugin's own section: ``option-HOST``, then ``option``, then *default*."""
        return module.get_config_value("plugin:" + module._context.plugin, option, default)

    def get_flag(self, module: Any, option: str, default: bool = False) -> bool:
        """A key that says yes or no."""
        value = self.get_config_value(module, option, None)
        return default if value is None else str(value).strip().lower() in TRUE

    def get_list(self, module: Any, option: str, default: str = "") -> list[str]:
        """A key with several values, separated by commas or lines."""
        value = self.get_config_value(module, option, default) or ""
        words = value if isinstance(value, list) else str(value).replace("\n", ",").split(",")
        return [word.strip() for word in words if word.strip()]
