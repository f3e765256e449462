# SPDX-License-Identifier: LGPL-2.1-or-later
# The part of the agent that keeps a tree before it is changed in place, and puts it back.
#
# A kept tree is a folder with tree (hard links, or copies of what may not be linked), name (of its
# release), words (of find, that leave out what is none of ours), sent (what was or will be written
# over it, as lines "type:size:time:./name", "gone:::./name" or "delete": whatever is not sent is
# deleted), copied ("C:inode:./name" of what is a copy) and unkept ("U:./name" of what cannot be
# read, so that it must not be touched). Names in lines are encoded.

# Prints of the tree what a sync would touch: $1 are words of find that choose and print; file $2 has
# those that leave out. What is in a folder of others that cannot be read is theirs.
tree_names () {
  xargs -0 sh -c 'choice=$0
    exec find . -path ./.hookrun -prune -o \
      \( -type d ! \( -readable -executable \) -prune -o -true \) "$@" $choice' "$1" <"$2"
}

# Names that end with NUL as lines, and back: a backslash becomes "\s", a newline "\n".
encode () { sed -z 's/\\/\\s/g; s/\n/\\n/g' | tr '\000' '\n'; }
decode () { tr '\n' '\000' | sed -z 's/\\n/\n/g; s/\\s/\\/g'; }

# Folders alone, with their modes, for what has to make them elsewhere.
pack_folders () { tar --null --no-recursion -T - -cf -; }

# A folder that nobody may write to is no folder that its owner can empty.
remove_kept () {
  [ ! -d "$1" ] || find "$1" -type d ! -perm -700 -exec chmod u+rwx {} \; && rm -rf "$1"
}

# The files and links of the tree that are not in kept tree $1, as lines.
missing_files () {
  tree_names '! -type d -print0' "$1/words" | encode | sort >"$1/all"
  (cd "$1/tree" && find . ! -type d -print0) | encode | sort >"$1/there"
  awk 'FILENAME == ARGV[1] { there[$0] = 1; next } !($0 in there)' "$1/there" "$1/all" && rm -f "$1/all" "$1/there"
}

# The kernel lets nobody but root link files of others that he may not write to
# (fs.protected_hardlinks). They are copied; what cannot even be read is noted.
keep_others () {
  missing_files "$1" >"$1/others" &&
    decode <"$1/others" | xargs -0 -r sh -c 'exec find "$@" -prune -printf "C:%i:%p\\0"' sh |
    encode >"$1/copied" || return
  decode <"$1/others" | xargs -0 -r cp -a --parents -t "$1/tree" -- 2>"$1/errors" ||
    if grep -e 'No space left' -e 'quota exceeded' "$1/errors"; then return 1; fi
  missing_files "$1" | sed 's/^/U:/' >"$1/unkept" && rm -f "$1/others" "$1/errors"
}

# Refuses to write over what could not be kept in $1.
spare_unkept () {
  [ -s "$1/unkept" ] || return 0
  bad=$(awk '
    NR == FNR { unkept[substr($0, 3)] = 1; next }
    $0 == "delete" { for (path in unkept) { print path; exit } }
    { path = substr($0, index($0, ":./") + 1) }
    path in unkept { print path; exit }' "$1/unkept" "$1/sent")
  [ -z "$bad" ] || die "Permission denied: ${bad#./} of $folder belongs to user \
$(printf '%s\n' "$bad" | decode | xargs -0 ls -nd -- | awk '{ print $3; exit }') and cannot be read by \
user $(id -u) who logs in, so it could not be put back if this release fails; nothing was sent. Make it \
readable for that user, or exclude it"
}

# Keeps the tree before it is changed in place for release $1; $2 are its words, $3 what was sent.
# Folders get their modes last, since files must go into them.
keep_tree () {
  now=$(current) kept=$own/previous.new
  remove_kept "$kept" && rm -rf "$own"/manifests/* && mkdir -p "$kept/tree" "$own/incoming" &&
    cp "$2" "$kept/words" && cp "$3" "$kept/sent" && echo "${now:--}" >"$kept/name" &&
    tree_names '-type d -print0' "$2" | (cd "$kept/tree" && xargs -0 -r mkdir -p --) &&
    { tree_names '! -type d -print0' "$2" | xargs -0 -r cp -al --parents -t "$kept/tree" -- 2>"$kept/errors" ||
      keep_others "$kept"; } &&
    rm -f "$kept/errors" && keep_modes "$kept" && spare_unkept "$kept" &&
    remove_kept "$own/previous" && mv -T "$kept" "$own/previous" &&
    echo "place $1 ${now:--}" | store "$own/journal" || die "cannot keep the old tree"
}

# A folder that cannot be read cannot be packed, but its mode is known.
keep_modes () {
  tree_names '-type d -readable -print0' "$1/words" | pack_folders | (cd "$1/tree" && tar -xpf -) &&
    tree_names '-type d ! -readable -printf %m:%p\0' "$1/words" | (cd "$1/tree" && xargs -0 -r sh -c '
      for entry; do chmod "${entry%%:*}" "${entry#*:}" || exit; done' sh)
}

# Notes what a send is about to write for release $1; each line of $2 ends with "\e".
expect () {
  in_place || return 0
  read_journal
  [ "$word $new" = "place $1" ] || die "release $1 was never begun"
  printf '%s' "$2" | sed 's/\\e/\n/g' >>"$own/previous/sent" && spare_unkept "$own/previous"
}

# Finds what to undo. Only what is as it was sent, and is not the kept file itself, is taken away or
# replaced; what somebody else changed is set aside where the send had touched the name, and stays
# otherwise. Lines begin with k (put the kept file back), m (the kept folder), x and f (take away a
# file, a folder), u (take away before a folder comes back), a (set aside), b (a folder is in the way
# of a kept file), n (was made or changed by somebody else, and stays). Of a folder its mode stands in
# the place of a size.
compare='
function key(type, size, time) { return type == "d" ? "d:" path : type ":" size ":" time ":" path }
function above(p) { sub(/\/[^\/]*$/, "", p); return p }
{
  at = index($0, ":./")
  if (!at) { if ($0 == "S:delete") all = 1; next }
  path = substr($0, at + 1)
  split(substr($0, 1, at - 1), f, ":")
  if (f[1] == "S" && f[2] == "gone") gone[path] = 1
  else if (f[1] == "S") { sent[path] = 1; keys[key(f[2], f[3], f[4])] = 1 }
  else if (f[1] == "K") {
    old[path] = f[2]; old_id[path] = f[3]; old_size[path] = f[4]; old_key[path] = key(f[2], f[4], f[5])
  }
  else if (f[1] == "C") old_id[path] = f[2]
  else if (f[1] == "U") unkept[path] = 1
  else { now[path] = f[2]; now_id[path] = f[3]; now_size[path] = f[4]; now_key[path] = key(f[2], f[4], f[5]) }
}
END {
  for (p in old) {
    removed = !(p in sent) && (all || p in gone)
    touched = removed || (p in sent && !(old_key[p] in keys))
    back = (old[p] == "d" ? "m" : "k") p
    if (!(p in now)) { if (removed || p in sent) print back }
    else if (old[p] == "d" && now[p] == "d") { if (p in sent && old_size[p] != now_size[p]) print back }
    else if (old[p] == now[p] && old_id[p] == now_id[p]) continue
    else if (now[p] == "d") { if (touched || now_key[p] in keys) { blocks[p] = 1; print "b" p } else print "n" p }
    else if (now_key[p] in keys) { if (old[p] == "d") print "u" p; print back }
    else if (touched || (old[p] == "d" && p in sent)) { print "a" p; print back }
    else print "n" p
  }
  for (p in now) {
    if (p in old || p in unkept) continue
    if (now_key[p] in keys) print (now[p] == "d" ? "f" : "x") p
    else fresh[p] = 1
  }
  for (p in fresh) if (!(above(p) in fresh) && !(above(p) in blocks)) print "n" p
}'
plan_restore () {
  sed 's/^/S:/' "$1/sent" &&
    (cd "$1/tree" && find . -type d -printf 'K:d:%i:%m:0:%p\0' -o -printf 'K:%y:%i:%s:%T@:%p\0') | encode &&
    if [ -s "$1/copied" ]; then cat "$1/copied" "$1/unkept"; fi &&
    tree_names '( -type d -printf N:d:%i:%m:0:%p\0 -o -printf N:%y:%i:%s:%T@:%p\0 )' "$1/words" | encode
}

# What the shells that xargs starts need to set something aside, and to put a kept file back.
helpers='
aside () {
  to=$own/set-aside/$when/${1#./}
  mkdir -p -- "${to%/*}" && mv -T -- "$1" "$to" && printf "a %s\n" "${1#./}" >>"$own/told"
}
fill () {
  if [ -h "$1" ] || { [ -e "$1" ] && [ ! -d "$1" ]; }; then aside "$1" || return; fi
  [ -d "$1" ] || mkdir -- "$1" || return
  find "$own/again/$1" -mindepth 1 -maxdepth 1 ! -type d -print0 | xargs -0 -r mv -f -t "$1" --
}
unblock () {
  if ! rmdir -- "$1" 2>/dev/null; then aside "$1" || return; fi
  mkdir -p -- "${1%/*}" && cp -al -- "$kept/tree/$1" "$1"
}'
each () { xargs -0 -r sh -c "$helpers; for path; do $1 \"\$path\" || exit; done" sh; }
pick () { sed -n "s/^$1//p" "$own/todo" | decode; }

# The folders that must come back, and the whole tree where its mode was changed.
pick_folders () {
  if [ "$(stat -c %a .)" != "$(stat -c %a "$1/tree")" ]; then printf '.\000'; fi
  pick m
}

# Undoes what was sent over the kept tree $1, file by file: first the old files come back, each by one
# rename, then what was sent beside them goes. Can be repeated. With $2 it is told what stays.
restore_tree () {
  kept=$1 when=$(date -u +%Y%m%dT%H%M%SZ)
  export kept when
  remove_kept "$own/again" && mkdir "$own/again" &&
    plan_restore "$1" | awk "$compare" >"$own/todo" &&
    pick a | each aside && pick u | xargs -0 -r rm -f -- &&
    pick_folders "$1" >"$own/folders" &&
    if [ -s "$own/folders" ]; then (cd "$1/tree" && pack_folders) <"$own/folders" | tar -xpf -; fi &&
    pick k | (cd "$1/tree" && xargs -0 -r cp -al --parents -t "$own/again" --) &&
    (cd "$own/again" && find . -type d -print0) | each fill &&
    pick x | xargs -0 -r rm -f -- &&
    { pick f | sort -rz | xargs -0 -r rmdir -- 2>/dev/null; pick b | each unblock; } &&
    if [ -n "${2-}" ]; then sed -n 's/^n\.\//n /p' "$own/todo" | sort >>"$own/told"; fi &&
    remove_kept "$own/again" && remove_kept "$own/incoming" && rm -f "$own/todo" "$own/folders" && { sync -f . 2>/dev/null || sync; }
}

# Says once what was set aside, and what stays.
tell () {
  [ -s "$own/told" ] || return 0
  awk -v where="$folder/.hookrun/set-aside" '
    { gsub(/[\001-\037\177]/, "?"); kind = substr($0, 1, 1); count[kind]++ }
    count[kind] <= 10 { names[kind] = names[kind] (count[kind] > 1 ? ", " : "") substr($0, 3) }
    function list(kind) {
      return names[kind] (count[kind] > 10 ? " and " count[kind] - 10 " more" : "")
    }
    END {
      if (count["a"])
        print "what somebody else had changed was set aside below " where ": " list("a")
      if (count["n"])
        print "what a hook or somebody else made or changed meanwhile stays: " list("n")
    }' "$own/told" && rm -f "$own/told"
}

# In place, the kept tree and the live one change their parts. Until that is confirmed the kept tree
# stays in back, so that it can be undone.
bring_back () {
  remove_kept "$own/back" && cp -al "$own/previous" "$own/back" &&
    (cd "$own/back/tree" && find . -printf '%y:%s:%T@:%p\0') | encode >"$own/sent" &&
    sed -n 's/^[fl]:[^:]*:[^:]*:/gone:::/p' "$own/back/sent" >>"$own/sent" &&
    keep_tree "$1" "$own/back/words" "$own/sent" && restore_tree "$own/back" && seal "$1"
}
