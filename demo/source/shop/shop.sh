#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The whole shop.
echo "shop $(cat "$(dirname "$0")/BUILD-STAMP")"
