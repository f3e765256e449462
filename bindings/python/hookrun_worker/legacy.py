# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recognises plugins that were written for Porter and hosts them as they are."""
from __future__ import annotations

import sys
import types
from typing import Any, Optional

from .options import Group
from .plugin import Context


def plugin_of(module: types.ModuleType) -> Optional[Any]:
    """An instance of the plugin class that *module* itself defines, or ``None``."""
    base = sys.modules.get("porter.plugins.base")
    if base is None:
        return None
    classes = [value for value in vars(module).values()
               if isinstance(value, type) and issubclass(value, base.BasePlugin)
               and value.__module__ == module.__name__]
    named = [value for value in classes if value.__name__ == "Plugin"]
    return (named or classes)[0]() if classes else None


def add_options(module: types.ModuleType, group: Group) -> None:
    """Lets a plugin add its options to *group*."""
    plugin = plugin_of(module)
    if plugin is not None:
        plugin.command_line_args(group)
    elif hasattr(module, "register_signal_handlers") and hasattr(module, "command_line_args"):
        module.command_line_args(group)


def register(context: Context) -> None:
    """Lets a plugin connect its handlers, if it is one of Porter's kind."""
    assert context.module is not None
    plugin = plugin_of(context.module)
    function = getattr(context.module, "register_signal_handlers", None)
    if plugin is None and function is None:
        return
    from porter.core.module import Module

    group = Group()
    add_options(context.module, group)
    module = Module(context, {row["name"]: row.get("default") for row in group.rows})
    if function is not None:
        function(module)
    if plugin is not None:
        plugin.register_signal_handlers(module)
