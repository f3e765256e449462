# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trees from here to the target."""
from __future__ import annotations

import re
from typing import Any, Mapping, Optional, Sequence, Union

from porter.tools import host

REMOTE = re.compile(r"[^/:]+:")


def words(options: Union[None, Mapping[str, Any], Sequence[str]]) -> Optional[list[str]]:
    """Options as rsync takes them: from a list, or a dictionary of flags and values."""
    if options is None:
        return None
    if not isinstance(options, Mapping):
        return list(options)
    chosen = [(name, value) for name, value in options.items() if value not in (False, None)]
    return [name if value is True else "%s=%s" % (name, value) for name, value in chosen]


def rsync(source: str, dest: str,
          options: Union[None, Mapping[str, Any], Sequence[str]] = None) -> None:
    """Sends a tree over the connection that is open already.

    :param dest: a folder at the target; ``user@host:`` before it is passed over
    :raises HostError: when it fails
    """
    host.call("deploy.rsync", source=source, destination=REMOTE.sub("", dest, count=1),
              options=words(options))
