#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Hosts one module file in shell (NAME.eselect, NAME.sh) inside the sandbox of hookrun-module:
#   hookrun-module-shell describe NAME FILE             prints the description as JSON
#   hookrun-module-shell do NAME FILE OPERATION WORD…   calls do_OPERATION with the words

# ---- what modules may call ----

# Ends the operation with a message.
die() {
    [[ $1 == -q ]] && shift
    (($# == 0)) || printf '%s\n' "$*" >&2
    exit 249
}

write_error_msg() { printf '!!! %s\n' "$*" >&2; }
write_warning_msg() { printf '* %s\n' "$*" >&2; }
write_list_start() { [[ $1 == -p ]] && shift; printf '%s\n' "$*"; }
write_list_end() { :; }
write_kv_list_entry() { [[ $1 == -p ]] && shift; printf '  %-28s %s\n' "$1" "$2"; }
write_list_item() { printf '  %s\n' "$*"; }
write_numbered_list_entry() { [[ $1 == -p ]] && shift; printf '  [%s]   %s\n' "$1" "$2"; }

write_numbered_list() {
    local number=0 entry none=

    while [[ ${1-} == -* ]]; do
        case $1 in
        -m) none=$2; shift ;;
        esac
        shift
    done
    (($# > 0)) || printf '  %s\n' "${none:-(none)}"
    for entry; do
        write_numbered_list_entry "$((++number))" "$entry"
    done
}

highlight() { printf '%s' "$*"; }
highlight_warning() { printf '%s' "$*"; }
highlight_marker() { printf '%s %s' "$1" "${2-*}"; }
is_number() { [[ ${1-} =~ ^[0-9]+$ ]]; }
has() { local wanted=$1 one; shift; for one; do [[ $one == "$wanted" ]] && return; done; return 1; }
is_function() { [[ $(type -t "$1") == function ]]; }
canonicalise() { readlink -f -- "$1"; }
relative_name() { realpath -m -s --relative-to="$2" -- "$1"; }

# Runs a program inside the sandbox; one that fails ends the operation.
execute() { command -- "$@" || die "$1: ended with status $?"; }

# Prints the path of a staged file to write in the place of $1.
create_file() {
    local path=$1

    [[ $path == /* ]] || path=$PWD/$path
    command create_file "$path" || die -q
}

# ---- describing ----

json_string() {
    local text=$1 out= char i

    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    text=${text//$'\n'/\\n}
    text=${text//$'\t'/\\t}
    if [[ $text == *[[:cntrl:]]* ]]; then
        for ((i = 0; i < ${#text}; i++)); do
            char=${text:i:1}
            [[ $char == [[:cntrl:]] ]] && printf -v char '\\u%04x' "'$char"
            out+=$char
        done
        text=$out
    fi
    printf '"%s"' "$text"
}

# Lines "NAME : DESCRIPTION" of describe_OPERATION_options, as eselect's modules print them, or
# lines "NAME" there and the descriptions in the lines of describe_OPERATION_parameters.
describe_options() {
    local operation=$1 line index=0 comma=
    local -a names=() texts=()

    is_function "describe_${operation}_options" || return 0
    mapfile -t names < <("describe_${operation}_options")
    is_function "describe_${operation}_parameters" &&
        mapfile -t texts < <("describe_${operation}_parameters")
    for line in "${names[@]}"; do
        [[ -n $line ]] || continue
        if [[ $line == *' : '* ]]; then
            texts[index]=${line#* : }
            line=${line%% : *}
        fi
        printf '%s{"name":' "$comma"
        json_string "${line//[[:space:]]/}"
        printf ',"description":'
        json_string "${texts[index]-}"
        printf '}'
        comma=,
        ((++index))
    done
}

describe() {
    local name operation comma= words

    printf '{"description":'
    json_string "${DESCRIPTION-}"
    printf ',"version":'
    json_string "${VERSION-}"
    printf ',"operations":['
    while read -r name; do
        [[ $name == do_?* ]] || continue
        operation=${name#do_}
        words=true
        is_function "describe_${operation}_options" && words=false
        printf '%s{"name":' "$comma"
        json_string "$operation"
        printf ',"description":'
        if is_function "describe_$operation"; then
            json_string "$("describe_$operation")"
        else
            json_string ""
        fi
        printf ',"words":%s,"options":[%s]}' "$words" "$(describe_options "$operation")"
        comma=,
    done < <(compgen -A function)
    printf ']}\n'
}

# ---- the host ----

case $1 in
describe)
    # What the module prints while it is read is no part of the description.
    exec 4>&1 1>&2
    unset ROOT CACHE TEMP VERSION DESCRIPTION
    source "$3"
    [[ $(compgen -A function) == *do_?* ]] || die "there is no function do_OPERATION in it"
    describe >&4
    ;;
do)
    hookrun_version=$VERSION
    hookrun_operation=$4
    source "$3"
    VERSION=$hookrun_version
    shift 4
    is_function "do_$hookrun_operation" || die "there is no function do_$hookrun_operation"
    "do_$hookrun_operation" "$@"
    ;;
*)
    printf 'hookrun-module-shell: started without its host\n' >&2
    exit 2
    ;;
esac
