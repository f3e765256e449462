# SPDX-License-Identifier: LGPL-2.1-or-later
"""What handlers do at the target of a deployment."""
