# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of hookrun-module for bash. Modules and operations come from the module path itself.

_hookrun_module_names() {
    hookrun-module ${path:+--path="$path"} --json list 2>/dev/null |
        sed -n 's/^{"module" *: *"\([^"]*\)".*/\1/p'
}

_hookrun_module_operations() {
    hookrun-module ${path:+--path="$path"} "$1" 2>/dev/null | awk '/^[^ ]/ && NR > 1 { print $1 }'
}

_hookrun_module_options() {
    hookrun-module ${path:+--path="$path"} "$1" 2>/dev/null |
        awk -v wanted="$2" '/^[^ ]/ { in_it = $1 == wanted } in_it && /^  --/ { print $1 }'
}

_hookrun_module() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path= index
    local first= second=
    local commands="list update install remove pending undo abandon run explain learn state policy"
    local options="--path --hooks --answer --no-confirm --grant --revoke --root --cache --temp
        --policy --limit --output --yes --for-real --json --quiet --version --help"

    for ((index = 1; index < COMP_CWORD; index++)); do
        case ${COMP_WORDS[index]} in
        -p | --path) path=${COMP_WORDS[index+1]}; ((index++)) ;;
        -a | --answer | --hooks | --root | --cache | --temp | --policy | --limit | -o | --output) ((index++)) ;;
        -*) ;;
        *)
            if [[ -z $first ]]; then first=${COMP_WORDS[index]}
            elif [[ -z $second ]]; then second=${COMP_WORDS[index]}
            fi ;;
        esac
    done
    case $previous in
    -p | --path | --hooks | --root | --cache | --temp)
        COMPREPLY=($(compgen -d -- "$current")); return ;;
    --policy | -o | --output) COMPREPLY=($(compgen -f -- "$current")); return ;;
    -a | --answer) COMPREPLY=($(compgen -W "y a s n N" -- "$current")); return ;;
    --limit)
        COMPREPLY=($(compgen -S = -W "processes memory disk cpu wall file-size descriptors" -- "$current"))
        return ;;
    esac
    if [[ -n $second && " $commands " != *" $first "* ]]; then
        COMPREPLY=($(compgen -W "$(_hookrun_module_options "$first" "$second")" -- "$current"))
    elif [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    elif [[ -z $first ]]; then
        COMPREPLY=($(compgen -W "$commands $(_hookrun_module_names)" -- "$current"))
    else
        case $first in
        update | remove | pending | state | policy)
            COMPREPLY=($(compgen -W "$(_hookrun_module_names)" -- "$current")) ;;
        install) COMPREPLY=($(compgen -f -- "$current")) ;;
        run) COMPREPLY=($(compgen -c -- "$current")) ;;
        explain | learn)
            if [[ -n $second ]]; then
                COMPREPLY=($(compgen -W "$(_hookrun_module_operations "$second")" -- "$current"))
            else
                COMPREPLY=($(compgen -W "$(_hookrun_module_names)" -- "$current"))
            fi ;;
        list | undo | abandon) COMPREPLY=() ;;
        *) COMPREPLY=($(compgen -W "$(_hookrun_module_operations "$first")" -- "$current")) ;;
        esac
    fi
}

complete -F _hookrun_module hookrun-module
