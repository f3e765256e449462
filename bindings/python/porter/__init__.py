# SPDX-License-Identifier: LGPL-2.1-or-later
"""What plugins that were written for Porter import; served by hookrun."""
