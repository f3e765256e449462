# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Portmod's module files import."""
from hookrun_module.util import execute

__all__ = ["execute"]
