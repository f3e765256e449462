# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of hookrun-deploy for bash. Hosts and modules come from the project itself.

_hookrun_deploy_names() {
    hookrun-deploy ${project:+--project="$project"} --json "$1" 2>/dev/null |
        sed -n "s/.*\"$2\" *: *\"\([^\"]*\)\".*/\1/p"
}

_hookrun_deploy() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} project= index
    local commands="deploy hosts modules handlers plugins status resume rollback"
    local options="--project --host --config --release --module --force --dry-run --json --quiet
        --verbose --trace --version --help"

    for ((index = 1; index < COMP_CWORD; index++)); do
        case ${COMP_WORDS[index]} in
        -C | --project) project=${COMP_WORDS[index+1]} ;;
        esac
    done
    if [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $current == = ]]; then
        current=
    fi
    case $previous in
    -H | --host) COMPREPLY=($(compgen -W "$(_hookrun_deploy_names hosts host)" -- "$current")) ;;
    -m | --module | -f | --force)
        COMPREPLY=($(compgen -W "$(_hookrun_deploy_names modules module)" -- "$current")) ;;
    -C | --project) COMPREPLY=($(compgen -d -- "$current")) ;;
    --trace) COMPREPLY=($(compgen -f -- "$current")) ;;
    -c | --config | -r | --release) COMPREPLY=() ;;
    *)
        if [[ $current == -* ]]; then
            COMPREPLY=($(compgen -W "$options" -- "$current"))
        else
            COMPREPLY=($(compgen -W "$commands" -- "$current"))
        fi
        ;;
    esac
}

complete -F _hookrun_deploy hookrun-deploy
