# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of hookrun-watch for bash.

_hookrun_watch() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local options="--print --null --json --kind --once --shallow --settle --backend --quiet --version
        --help"

    case $previous in
    -k | --kind)
        COMPREPLY=($(compgen -W "created changed attributes removed moved" -- "$current")); return ;;
    --backend) COMPREPLY=($(compgen -W "auto inotify" -- "$current")); return ;;
    -s | --settle) COMPREPLY=(); return ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}

complete -F _hookrun_watch hookrun-watch
