# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts one module file in Python (``NAME.pmodule``) inside the sandbox of hookrun-module."""
