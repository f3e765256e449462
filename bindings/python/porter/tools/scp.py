# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files from here to the target."""
from __future__ import annotations

import os
from typing import Any, Optional

from porter.tools import host
from porter.tools.run import is_folder


def destination(path: Optional[str]) -> Optional[str]:
    """A folder keeps the file's name, as it does for scp: it gets a slash at its end."""
    if not path or path.endswith("/") or not is_folder(path):
        return path or None
    return path + "/"


def scp(source: str, dest: Optional[str] = None, mode: Optional[int] = None) -> None:
    """Copies one local file. Relative paths start at the module's folder, here and there.

    :raises HostError: when it cannot be read or written
    """
    host.call("deploy.copy", source=os.fspath(source), destination=destination(dest), mode=mode)


def copy_config_file(module: Any, file: str, destpath: Optional[str] = None) -> None:
    """Copies a file of the configuration that was chosen with ``--config``.

    :param destpath: where to; the module's folder at the target when it is left out
    :raises HostError: when there is no such file, or it cannot be written
    """
    host.call("deploy.copy_config", file=file, destination=destination(destpath))
