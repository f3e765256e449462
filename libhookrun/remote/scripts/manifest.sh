# SPDX-License-Identifier: LGPL-2.1-or-later
# Lists the tree $1 for a manifest, without $1/$2. For each entry two fields that end with NUL:
# "type mode size mtime ./path", and the target of a link or the hash of a file or nothing. Two empty
# fields begin a list of "hash  ./path" that end with NUL. Hashes are told with $3 = checksum only.
# A missing folder is an empty list, and so is one of others that cannot be read.
LC_ALL=C
export LC_ALL
cd -- "$1" 2>/dev/null || {
  [ -e "$1" ] || exit 0
  echo "$1: cannot be entered: Permission denied or no folder" >&2
  exit 1
}

# Where find has no -printf: one stat for each entry. Targets of links are not told.
list_slowly () {
  find . -path "./$1" -prune -o ! -name . -exec sh -c '
    for path; do
      if [ -h "$path" ]; then type=l
      elif [ -f "$path" ]; then type=f
      elif [ -d "$path" ]; then type=d
      else type=s
      fi
      printf "%s %s %s\000" "$type" "$(stat -c "%a %s %Y" -- "$path")" "$path"
      if [ "$0" = checksum ] && [ "$type" = f ]; then
        hash=$(sha256sum <"$path") && printf "%s" "${hash%% *}"
      fi
      printf "\000"
    done' "$2" {} +
}

if ! find . -prune -printf '' 2>/dev/null; then
  list_slowly "$2" "$3"
else
  find . -mindepth 1 -path "./$2" -prune -o \
    \( -type d ! \( -readable -executable \) -prune -o -true \) -printf '%y %m %s %T@ %p\0%l\0'
  if [ "$3" = checksum ]; then
    printf '\000\000'
    find . -mindepth 1 -path "./$2" -prune -o \
      -type d ! \( -readable -executable \) -prune -o -type f -readable -exec sha256sum -z -- {} +
  fi
fi
