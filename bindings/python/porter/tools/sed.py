# SPDX-License-Identifier: LGPL-2.1-or-later
"""Places in files at the target, filled."""
from __future__ import annotations

import re
from typing import Any, Mapping

from porter.tools.run import run


def expression(place: str, value: Any) -> str:
    """The sed command that puts *value* wherever *place* stands, whatever either holds."""
    pattern = re.sub(r"([][\\/.*^$])", r"\\\1", place)
    replacement = re.sub(r"([\\/&])", r"\\\1", str(value)).replace("\n", "\\\n")
    return "s/%s/%s/g" % (pattern, replacement)


def sed_replace(values: Mapping[str, Any], path: str, use_sudo: bool = False) -> None:
    """Puts each value in the file at *path* where its key stands between ``__`` and ``__``."""
    command = ["sed", "-i"]
    for key, value in values.items():
        command += ["-e", expression("__%s__" % key, value)]
    run(command + [path], sudo=use_sudo)
