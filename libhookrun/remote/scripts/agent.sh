# SPDX-License-Identifier: LGPL-2.1-or-later
# Holds the lock of a layout at a target and does there what changes it, one request at a time.
#
# Words: folder, kind (releases or in-place), lease in seconds, who holds the lock. A request is a
# line of shell that calls the functions below; its output is followed by a line "\036 status". The
# lock is a flock on descriptor 9: whoever kills this shell, closes the connection or stops its
# heartbeat frees it, and a change that nobody confirmed is undone. What writes a tree for it holds
# the shared lock of .hookrun/writers on descriptor 8.
LC_ALL=C
export LC_ALL
kind=$2 lease=$3 holder=$4

say () { printf '\036 %s\n' "$1"; }
die () {
  printf '%s\n' "$*" >&2
  exit 1
}

sync_path () { sync "$1" 2>/dev/null || sync; }

# Writes standard input to $1, whole or not at all, and onto the disk.
store () { cat >"$1.new" && sync_path "$1.new" && mv -f "$1.new" "$1" && sync_path "${1%/*}"; }

in_place () { [ "$kind" = in-place ]; }
folder_of () { if in_place; then echo .; else echo "releases/$1"; fi; }
is_sealed () { [ -f ".hookrun/manifests/$1" ]; }
is_confirmed () { grep -qxF -e "$1" .hookrun/history 2>/dev/null; }

# The release that is live, or nothing.
current () {
  if in_place; then
    cat .hookrun/current 2>/dev/null || :
  elif link=$(readlink current 2>/dev/null); then
    echo "${link##*/}"
  fi
}

# Makes $1 live, by one rename; "-" is none.
point () {
  if in_place && [ "$1" != - ]; then
    echo "$1" | store .hookrun/current
  elif in_place; then
    rm -f .hookrun/current
  elif [ "$1" != - ]; then
    rm -f .hookrun/next && ln -s "releases/$1" .hookrun/next && mv -fT .hookrun/next current
  else
    rm -f current
  fi && sync_path .
}

# The open transaction: $word is empty, "place" (a tree is being changed in place), "switch" (live
# and not confirmed) or "confirm" (confirmed, the rest is to be done).
read_journal () {
  word='' new='' old=''
  [ ! -f .hookrun/journal ] || read -r word new old <.hookrun/journal
}
forget () { rm -f .hookrun/journal && sync_path .hookrun; }

state () {
  read_journal
  if [ "$(current)" = "$1" ]; then
    if [ "$word $new" = "switch $1" ]; then echo switched; else echo confirmed; fi
  elif in_place && [ "$word $new" != "place $1" ]; then
    if [ "$(previous)" = "$1" ]; then echo retired; else echo missing; fi
  elif [ ! -d "$(folder_of "$1")" ]; then
    echo missing
  elif ! is_sealed "$1"; then
    echo started
  elif is_confirmed "$1" && ! in_place; then
    echo retired
  else
    echo sealed
  fi
}

# The confirmed release before the live one, or nothing.
previous () {
  if in_place; then
    if [ -d .hookrun/previous ]; then cat .hookrun/previous-name; fi
    return
  fi
  [ -f .hookrun/history ] || return 0
  now=$(current) before=''
  while read -r name; do
    [ "$name" != "$now" ] || break
    if [ -d "releases/$name" ] && is_sealed "$name"; then before=$name; fi
  done <.hookrun/history
  [ -z "$before" ] || echo "$before"
}

list () { if in_place; then current; else ls -1 releases; fi; }
record () { [ ! -f .hookrun/deployed.json ] || cat .hookrun/deployed.json; }

# What is in the tree of release $1, in an order that stays the same.
print_manifest () {
  cd -- "$(folder_of "$1")" || return
  if find . -prune -printf '' 2>/dev/null; then
    find . -path ./.hookrun -prune -o ! -type d -printf '%y %m %s %T@ %p\0%l\0'
  else
    find . -path ./.hookrun -prune -o ! -type d -exec stat -c '%f %s %Y %n' {} +
  fi | tr '\000' '\n' | sort
}
matches_seal () {
  [ "$(print_manifest "$1" | cksum)" = "$(cksum <".hookrun/manifests/$1")" ] ||
    die "release $1 was changed after it was sealed"
}

# Tries for $1 tenths of a second; the words after it are those of flock.
try_lock () {
  tries=$1
  shift
  until flock -n "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# What a run that was killed had started ends by itself once its input has ended. Waits for that,
# and no longer than a run that is not dead but silent may cost.
wait_for_writers () {
  exec 8<>.hookrun/writers || return
  try_lock 50 8 || :
}

# Takes release $1 out of sight and removes it.
discard () {
  if [ -d "releases/$1" ]; then
    wait_for_writers && rm -rf "releases/.$1.gone" && mv -T "releases/$1" "releases/.$1.gone"
  fi && rm -rf "releases/.$1.gone" "releases/.$1.new"
}

# Folders that were begun and never sealed belong to runs that are over.
remove_leftovers () {
  for path in releases/* releases/.*.new releases/.*.gone; do
    name=${path##*/}
    if [ -d "$path" ] && [ "$name" != "$1" ] && [ "$name" != "$(current)" ] && ! is_sealed "$name"
    then case $name in
      .*) rm -rf "$path" ;;
      *) discard "$name" ;;
      esac || return
    fi
  done
}

# $1 release; in place, then words of find that leave out what a sync leaves out. Says whether the
# tree shares its files with another one.
begin () {
  case $(state "$1") in
  missing) ;;
  *)
    if in_place || [ -n "$(current)" ]; then echo shared; fi
    return
    ;;
  esac
  if in_place; then
    release=$1
    shift
    { [ $# = 0 ] || printf '%s\000' "$@"; } | store .hookrun/kept && keep_tree "$release" && echo shared
    return
  fi
  remove_leftovers "$1" || die "cannot remove what an interrupted run left"
  now=$(current)
  if [ -z "$now" ]; then
    mkdir "releases/$1"
    return
  fi
  # Under another name until it is whole: a copy that was cut short is a leftover.
  rm -rf "releases/.$1.new" && cp -al "releases/$now" "releases/.$1.new" &&
    mv -T "releases/.$1.new" "releases/$1" && echo shared
}

# Prints the names in the tree that a sync would touch; words of find come from .hookrun/kept.
tree_names () {
  xargs -0 sh -c 'kind=$0; if [ "$kind" = folders ]; then
    exec find . -path ./.hookrun -prune -o "$@" -type d -print0
  fi; exec find . -path ./.hookrun -prune -o "$@" ! -type d -print0' "$1" <.hookrun/kept
}

# Folders alone, with their modes, for what has to make them elsewhere.
pack_folders () { tar --null --no-recursion -T - -cf -; }

# Keeps the tree by hard links, before it is changed in place for release $1.
keep_tree () {
  now=$(current)
  rm -rf .hookrun/previous.new .hookrun/manifests/* && mkdir .hookrun/previous.new &&
    tree_names folders | pack_folders | (cd .hookrun/previous.new && tar -xpf -) &&
    tree_names files | xargs -0 -r cp -al --parents -t .hookrun/previous.new -- &&
    rm -rf .hookrun/previous && mv -T .hookrun/previous.new .hookrun/previous &&
    echo "${now:--}" | store .hookrun/previous-name &&
    echo "place $1 ${now:--}" | store .hookrun/journal || die "cannot keep the old tree"
}

# Puts the tree back that $1 keeps. Can be repeated.
restore_tree () {
  tree_names files | xargs -0 -r rm -f -- &&
    tree_names folders | sort -rz | kept=$1 xargs -0 -r sh -c 'for path; do
      if [ -h "$kept/$path" ] || [ ! -d "$kept/$path" ]; then rmdir -- "$path" 2>/dev/null; fi
    done; :' sh &&
    (cd "$1" && find . -type d -print0 | pack_folders) | tar -xpf - &&
    (top=$PWD && cd "$1" && find . ! -type d -print0 | xargs -0 -r cp -al --parents -t "$top" --) &&
    sync_path .
}

# Makes a shared folder or file of $2 in release $1.
share () {
  ! in_place || return 0
  from="releases/$1/$2" to="shared/$2" up='../..' rest=$2
  while [ "$rest" != "${rest#*/}" ]; do
    up="../$up" rest=${rest#*/}
  done
  if [ ! -e "$to" ]; then
    mkdir -p -- "$(dirname -- "$to")" || return
    if [ -e "$from" ] && [ ! -h "$from" ]; then cp -a -- "$from" "$to"; else mkdir -- "$to"; fi || return
  fi
  mkdir -p -- "$(dirname -- "$from")" && rm -rf -- "$from" && ln -s -- "$up/shared/$2" "$from"
}

seal () {
  is_sealed "$1" && return
  [ -d "$(folder_of "$1")" ] || die "release $1 was never begun"
  { sync -f "$(folder_of "$1")" 2>/dev/null || sync; } &&
    (print_manifest "$1") | store ".hookrun/manifests/$1"
}

go_live () {
  read_journal
  [ "$(current)" != "$1" ] || return 0
  [ "$word" != switch ] || die "release $new is not confirmed yet"
  if in_place && [ "$word" != place ] && [ "$(previous)" = "$1" ]; then bring_back "$1" || return; fi
  is_sealed "$1" || die "release $1 is not sealed"
  (matches_seal "$1") || return
  now=$(current)
  echo "switch $1 ${now:--}" | store .hookrun/journal && point "$1"
}

# In place, the kept tree and the live one change their parts. Until that is confirmed the kept tree
# stays in .hookrun/back, so that it can be undone.
bring_back () {
  rm -rf .hookrun/back && cp -al .hookrun/previous .hookrun/back && keep_tree "$1" &&
    restore_tree .hookrun/back && seal "$1"
}

confirm () {
  [ "$(current)" = "$1" ] || die "release $1 is not live"
  read_journal
  if [ "$word" = switch ]; then
    if [ -n "$2" ]; then printf '%s\n' "$2" | store .hookrun/deployed.next || return; fi
    echo "confirm $1" | store .hookrun/journal || return
  elif [ -n "$2" ]; then
    printf '%s\n' "$2" | store .hookrun/deployed.json || return
  fi
  finish_confirm "$1"
}

finish_confirm () {
  if [ -f .hookrun/deployed.next ]; then mv -f .hookrun/deployed.next .hookrun/deployed.json; fi &&
    { is_confirmed "$1" || { cat .hookrun/history 2>/dev/null; echo "$1"; } | store .hookrun/history; } &&
    rm -rf .hookrun/back && forget
}

# Undoes the open transaction, if there is one, and says so.
undo_open () {
  read_journal
  case $word in
  '') return ;;
  confirm)
    finish_confirm "$new"
    return
    ;;
  esac
  if in_place; then wait_for_writers && restore_tree .hookrun/previous || return; fi
  rm -f .hookrun/deployed.next && point "$old" || return
  if in_place && [ -d .hookrun/back ]; then
    rm -rf .hookrun/previous && mv -T .hookrun/back .hookrun/previous &&
      echo "$new" | store .hookrun/previous-name || return
  fi
  [ "$old" != - ] || old='what was there before'
  forget && echo "release $new was not confirmed; $old is live again"
}

# Takes a release out that is not confirmed.
undo () {
  read_journal
  if [ "$new" = "$1" ] && [ "$word" != confirm ]; then undo_open >/dev/null || return; fi
  [ "$(current)" != "$1" ] || die "release $1 is confirmed and live; switch to another one"
  ! in_place || return 0
  ! is_confirmed "$1" || return 0
  rm -f ".hookrun/manifests/$1" && discard "$1"
}

# Removes confirmed releases that are not live, but the last $1. Says how many.
prune () {
  ! in_place || { echo 0; return; }
  [ -f .hookrun/history ] || { echo 0; return; }
  now=$(current) total=0 removed=0
  while read -r name; do
    if [ "$name" != "$now" ] && [ -d "releases/$name" ]; then total=$((total + 1)); fi
  done <.hookrun/history
  while read -r name; do
    [ $((total - removed)) -gt "$1" ] || break
    if [ "$name" = "$now" ] || [ ! -d "releases/$name" ]; then continue; fi
    rm -f ".hookrun/manifests/$name" && rm -rf "releases/$name" || return
    removed=$((removed + 1))
  done <.hookrun/history
  echo "$removed"
}

# Whether something that is not ours is where the link to the live release goes.
is_occupied () { ! in_place && [ -e "$1/current" ] && [ ! -h "$1/current" ]; }

open_layout () {
  mkdir -p -- "$1" && cd -- "$1" && mkdir -p .hookrun/manifests && chmod 700 .hookrun || return
  in_place || mkdir -p releases shared
}

trap '' HUP PIPE
for program in flock mv cp sync find xargs sort cksum readlink tar; do
  command -v $program >/dev/null || { echo "the target has no program $program: not found"; say 69; exit; }
done
if is_occupied "$1"; then
  echo "$1/current is a real file or folder and no link to a release, so it was not made here;" \
    "move it away, choose another path, or deploy with layout = in-place"
  say 1
  exit
fi
open_layout "$1" 2>&1 || { say 1; exit; }
exec 9<>.hookrun/lock || exit
try_lock 20 9 || { cat .hookrun/lock; say 75; exit; }
printf '%s, process %s there\n' "$holder" $$ >.hookrun/lock
(undo_open) 2>&1
say $?
limit=''
if command -v timeout >/dev/null; then limit="timeout $lease"; fi
# What waits for the next request has no part in the lock.
while request=$(exec 9>&-; exec $limit sh -c 'IFS= read -r line && printf "%s\n" "$line"'); do
  [ "$request" != beat ] || continue
  (eval "$request") </dev/null 2>&1
  say $?
done
(undo_open) >/dev/null 2>&1
