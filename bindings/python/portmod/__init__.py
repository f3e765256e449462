# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names that old module files import; the work is in hookrun_module."""
