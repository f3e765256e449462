# SPDX-License-Identifier: LGPL-2.1-or-later
# Holds the lock of a layout at a target and does there what changes it, one request at a time.
#
# Words: folder, kind (releases or in-place), lease in seconds, who holds the lock. A request is a
# line of shell that calls the functions below; its output is followed by a line "\036 status". The
# lock is a flock on descriptor 9: whoever kills this shell, closes the connection or stops its
# heartbeat frees it, and a change that nobody confirmed is undone. What writes a tree for it holds
# the shared lock of .hookrun/writers on descriptor 8. The functions of agent-place.sh stand before.
LC_ALL=C
export LC_ALL
# What is made here has modes of its own, whatever the login shell says; contents bring theirs along.
umask 022
kind=$2 lease=$3 holder=$4
# The state folder and the releases; where there is /proc, by descriptors, so that whoever owns the
# folder cannot put a link in their place once they were looked at.
own=.hookrun releases=releases shared=shared

say () { printf '\036 %s\n' "$1"; }
die () { printf '%s\n' "$*" >&2; exit 1; }

sync_path () { sync "$1" 2>/dev/null || sync; }

# Writes standard input to $1, whole or not at all, and onto the disk.
store () { cat >"$1.new" && sync_path "$1.new" && mv -f "$1.new" "$1" && sync_path "${1%/*}"; }

in_place () { [ "$kind" = in-place ]; }
folder_of () { if in_place; then echo .; else echo "$releases/$1"; fi; }
is_sealed () { [ -f "$own/manifests/$1" ]; }
is_confirmed () { grep -qxF -e "$1" "$own/history" 2>/dev/null; }

# The release that is live, or nothing: what a link names may be gone.
current () {
  if in_place; then
    cat "$own/current" 2>/dev/null || :
  elif link=$(readlink current 2>/dev/null) && [ -n "${link##*/}" ] &&
    [ current/. -ef "$releases/${link##*/}/." ]
  then
    echo "${link##*/}"
  fi
}

# Makes $1 live, by one rename; "-" is none.
point () {
  if in_place && [ "$1" != - ]; then
    echo "$1" | store "$own/current"
  elif in_place; then
    rm -f "$own/current"
  elif [ "$1" != - ]; then
    rm -f "$own/next" && ln -s "releases/$1" "$own/next" && mv -fT "$own/next" current
  else
    rm -f current
  fi && sync_path .
}

# The open transaction: $word is empty, "place" (a tree is being changed in place), "switch" (live
# and not confirmed) or "confirm" (confirmed, the rest is to be done).
read_journal () {
  word='' new='' old=''
  [ ! -f "$own/journal" ] || read -r word new old <"$own/journal"
}
forget () { rm -f "$own/journal" && sync_path "$own/."; }

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
    if [ -d "$own/previous" ]; then cat "$own/previous/name"; fi
    return
  fi
  [ -f "$own/history" ] || return 0
  now=$(current) before=''
  while read -r name; do
    [ "$name" != "$now" ] || break
    if [ -d "$releases/$name" ] && is_sealed "$name"; then before=$name; fi
  done <"$own/history"
  [ -z "$before" ] || echo "$before"
}

list () { if in_place; then current; else ls -1 "$releases/."; fi; }
record () { [ ! -f "$own/deployed.json" ] || cat "$own/deployed.json"; }

# What is in the tree of release $1, in an order that stays the same.
print_manifest () {
  cd -- "$(folder_of "$1")" || return
  if find . -prune -printf '' 2>/dev/null; then
    find . -path ./.hookrun -prune -o -type d ! \( -readable -executable \) -prune -o \
      ! -type d -printf '%y %m %s %T@ %p\0%l\0'
  else
    find . -path ./.hookrun -prune -o ! -type d -exec stat -c '%f %s %Y %n' {} +
  fi | tr '\000' '\n' | sort
}
matches_seal () {
  [ "$(print_manifest "$1" | cksum)" = "$(cksum <"$own/manifests/$1")" ] ||
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
  exec 8<>"$own/writers" || return
  try_lock 50 8 || :
}

# Takes release $1 out of sight and removes it.
discard () {
  if [ -d "$releases/$1" ]; then
    wait_for_writers && rm -rf "$releases/.$1.gone" && mv -T "$releases/$1" "$releases/.$1.gone"
  fi && rm -rf "$releases/.$1.gone" "$releases/.$1.new"
}

# Folders that were begun and never sealed belong to runs that are over.
remove_leftovers () {
  for path in "$releases"/* "$releases"/.*.new "$releases"/.*.gone; do
    name=${path##*/}
    if [ -d "$path" ] && [ "$name" != "$1" ] && [ "$name" != "$(current)" ] && ! is_sealed "$name"
    then case $name in
      .*) rm -rf "$path" ;;
      *) discard "$name" ;;
      esac || return
    fi
  done
}

# Copies tree $1 to $2, "linked" or "apart" ($3). Clones are both: they take no space and share
# nothing that can be written. Says when files are shared.
copy_tree () {
  if rm -rf "$own/probe" && cp --reflink=always "$own/lock" "$own/probe" 2>/dev/null; then
    cp -a --reflink=always "$1" "$2"
  elif [ "$3" = linked ]; then
    cp -al "$1" "$2" && echo shared
  else
    cp -a "$1" "$2"
  fi
}

# $1 release, $2 how its files lie beside those of the live one; in place, then words of find that
# leave out what a sync leaves out. Says whether the tree shares its files with another one.
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
    shift 2
    remove_kept "$own/back" && { [ $# = 0 ] || printf '%s\000' "$@"; } | store "$own/words" &&
      keep_tree "$release" "$own/words" /dev/null && echo shared
    return
  fi
  remove_leftovers "$1" || die "cannot remove what an interrupted run left"
  now=$(current)
  if [ -z "$now" ]; then
    mkdir "$releases/$1"
    return
  fi
  # Under another name until it is whole: a copy that was cut short is a leftover.
  rm -rf "$releases/.$1.new" && copy_tree "$releases/$now" "$releases/.$1.new" "$2" &&
    mv -T "$releases/.$1.new" "$releases/$1"
}

# Makes a shared folder or file of $2 in release $1.
share () {
  ! in_place || return 0
  from="$releases/$1/$2" to="$shared/$2" up='../..' rest=$2
  while [ "$rest" != "${rest#*/}" ]; do
    up="../$up" rest=${rest#*/}
  done
  if [ ! -e "$to" ]; then
    mkdir -p -- "$(dirname -- "$to")" || return
    if [ -e "$from" ] && [ ! -h "$from" ]; then cp -a -- "$from" "$to"; else mkdir -- "$to"; fi || return
  fi
  mkdir -p -- "$(dirname -- "$from")" && rm -rf -- "$from" && ln -s -- "$up/shared/$2" "$from"
}

# Gives the tree of release $1 mode $2, as its source has it.
set_mode () { in_place || chmod "$2" "$releases/$1"; }

seal () {
  is_sealed "$1" && return
  [ -d "$(folder_of "$1")" ] || die "release $1 was never begun"
  { sync -f "$(folder_of "$1")" 2>/dev/null || sync; } &&
    (print_manifest "$1") | store "$own/manifests/$1"
}

go_live () {
  read_journal
  [ "$(current)" != "$1" ] || return 0
  [ "$word" != switch ] || die "release $new is not confirmed yet"
  if in_place && [ "$word" != place ] && [ "$(previous)" = "$1" ]; then bring_back "$1" || return; fi
  is_sealed "$1" || die "release $1 is not sealed"
  (matches_seal "$1") || return
  now=$(current)
  echo "switch $1 ${now:--}" | store "$own/journal" && point "$1" && tell
}

confirm () {
  [ "$(current)" = "$1" ] || die "release $1 is not live"
  read_journal
  if [ "$word" = switch ]; then
    if [ -n "$2" ]; then printf '%s\n' "$2" | store "$own/deployed.next" || return; fi
    echo "confirm $1" | store "$own/journal" || return
  elif [ -n "$2" ]; then
    printf '%s\n' "$2" | store "$own/deployed.json" || return
  fi
  finish_confirm "$1"
}

finish_confirm () {
  if [ -f "$own/deployed.next" ]; then mv -f "$own/deployed.next" "$own/deployed.json"; fi &&
    { is_confirmed "$1" || { cat "$own/history" 2>/dev/null; echo "$1"; } | store "$own/history"; } &&
    remove_kept "$own/back" && forget
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
  if in_place; then wait_for_writers && restore_tree "$own/previous" stays || return; fi
  rm -f "$own/deployed.next" && point "$old" || return
  if in_place && [ -d "$own/back" ]; then
    remove_kept "$own/previous" && mv -T "$own/back" "$own/previous" || return
  fi
  [ "$old" != - ] || old='what was there before'
  forget && echo "release $new was not confirmed; $old is live again"
}

# Takes a release out that is not confirmed.
undo () {
  read_journal
  if [ "$new" = "$1" ] && [ "$word" != confirm ]; then undo_open >/dev/null && tell || return; fi
  [ "$(current)" != "$1" ] || die "release $1 is confirmed and live; switch to another one"
  ! in_place || return 0
  ! is_confirmed "$1" || return 0
  rm -f "$own/manifests/$1" && discard "$1"
}

# Removes confirmed releases that are not live, but the last $1. Says how many.
prune () {
  ! in_place || { echo 0; return; }
  [ -f "$own/history" ] || { echo 0; return; }
  now=$(current) total=0 removed=0
  while read -r name; do
    if [ "$name" != "$now" ] && [ -d "$releases/$name" ]; then total=$((total + 1)); fi
  done <"$own/history"
  while read -r name; do
    [ $((total - removed)) -gt "$1" ] || break
    if [ "$name" = "$now" ] || [ ! -d "$releases/$name" ]; then continue; fi
    rm -f "$own/manifests/$name" && rm -rf "$releases/$name" || return
    removed=$((removed + 1))
  done <"$own/history"
  echo "$removed"
}

# Whether something that is not ours is where the link to the live release goes.
is_occupied () { ! in_place && [ -e "$1/current" ] && [ ! -h "$1/current" ]; }

# Whether that link is of somebody else: it leads neither to a release nor to one that is gone. A run
# that has just died may take its switch back meanwhile; then the link is looked at again.
is_astray () {
  in_place && return 1
  for look in 1 2 3 4 5; do
    link=$(readlink "$1/current" 2>/dev/null) || return
    name=${link##*/}
    if [ -n "$name" ] && [ "$1/current/." -ef "$1/releases/$name/." ]; then return 1; fi
    if [ "$link" = "releases/$name" ] && [ ! -e "$1/current" ]; then return 1; fi
    [ "$link" != "$(readlink "$1/current" 2>/dev/null)" ] || return 0
  done
}

refuse () {
  echo "Permission denied: $folder/$1 $2, so what is written there could go elsewhere; $3"
  return 1
}

# Whether all of these are missing, or of the login user or root and what is made here: a file, or a
# folder, of which none of ours has such a letter.
are_ours () {
  me=$(id -u)
  bad=$(find "$@" -prune ! -path '*/next' \( -type l -o ! -user 0 ! -user "$me" -o ! -name probe \
    \( ! -type f ! -type d -o -type d -name '[cdhjltw]*' \) \) -print 2>/dev/null)
  [ -n "$bad" ] || return 0
  bad=$(printf '%s\n' "$bad" | head -n 1)
  name=.hookrun/${bad#"$own/"}
  [ "${bad#"$own/"}" != "$bad" ] || name=$bad
  if [ -h "$bad" ]; then
    refuse "$name" 'is a symbolic link' 'remove it there'
  elif [ -O "$bad" ] && [ ! -f "$bad" ]; then
    refuse "$name" 'is not of the kind that is made here' 'remove it there'
  else
    refuse "$name" "belongs to user $(ls -nd -- "$bad" | awk '{ print $3; exit }'), neither to root nor to \
user $me who logs in" "give it to that user (chown -R $me) if you trust what is in it, or remove it"
  fi
}

# Opens folder $2 as descriptor $1 and looks whether it is the one that was meant.
hold () {
  eval "exec $1<\"\$2\"" || return
  if [ -e "/proc/self/fd/$1/." ]; then
    top=$(readlink /proc/self/cwd)
    [ "$(readlink "/proc/self/fd/$1")" = "${top%/}/$2" ] ||
      refuse "$2" 'was changed while it was looked at' 'run it again, and see who does that'
  fi
}
held () { if [ -e "/proc/self/fd/$1/." ]; then echo "/proc/self/fd/$1"; else echo "$2"; fi; }

# Nothing is written before everything that will be written has been looked at.
open_layout () {
  folder=$1 names=.hookrun
  in_place || names='.hookrun releases shared'
  mkdir -p -- "$1" && cd -- "$1" || return
  are_ours $names .hookrun/* .hookrun/.[!.]* || return
  for name in $names; do
    [ -d "$name" ] || mkdir -- "$name" || return
  done
  hold 7 .hookrun || return
  own=$(held 7 .hookrun)
  in_place || { hold 6 releases && hold 5 shared; } || return
  in_place || releases=$(held 6 releases) shared=$(held 5 shared)
  chmod 700 "$own/." && mkdir -p "$own/manifests" || return
  [ -e "$own/writers" ] || true >"$own/writers" || return
  are_ours "$own"/* "$own"/.[!.]*
}

trap '' HUP PIPE
for program in flock mv cp sync find xargs sort cksum readlink tar awk sed; do
  command -v $program >/dev/null || { echo "the target has no program $program: not found"; say 69; exit; }
done
if in_place && ! find / -prune -printf '' 2>/dev/null; then
  echo "the target's find has no -printf, which a deployment in place needs: not found"
  say 69
  exit
fi
if is_occupied "$1"; then
  echo "$1/current is a real file or folder and no link to a release, so it was not made here;" \
    "move it away, choose another path, or deploy with layout = in-place"
  say 1
  exit
fi
if is_astray "$1"; then
  echo "$1/current leads to $link, which is no release in $1/releases, so it was not made here;" \
    "remove it (the next deployment makes it anew), or choose another path"
  say 1
  exit
fi
open_layout "$1" 2>&1 || { say $?; exit; }
export own
exec 9<>"$own/lock" || exit
try_lock 20 9 || { cat "$own/lock"; say 75; exit; }
printf '%s, process %s there\n' "$holder" $$ >"$own/lock"
# What takes its time is announced: who waits for the answer would not wait for it otherwise.
[ ! -f "$own/journal" ] || printf '\036undo\n'
(undo_open && tell) 2>&1
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
