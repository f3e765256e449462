#!/bin/sh
# The whole shop.
echo "shop $(cat "$(dirname "$0")/BUILD-STAMP")"
