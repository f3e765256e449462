# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of plugins, and the plugins that come along."""
