# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of hookrun-module for fish. Modules and operations come from the module path itself.

function __hookrun_module_names
    hookrun-module --json list 2>/dev/null | sed -n 's/^{"module" *: *"\([^"]*\)".*/\1/p'
end

function __hookrun_module_operations
    set -l words (commandline -opc)
    hookrun-module $words[2] 2>/dev/null | awk '/^[^ ]/ && NR > 1 { print $1 }'
end

set -l commands list update install remove pending undo abandon run explain learn state policy
set -l first 'test (count (commandline -opc)) -eq 1'
set -l second "test (count (commandline -opc)) -eq 2; and not __fish_seen_subcommand_from $commands"

complete -c hookrun-module -f
complete -c hookrun-module -n $first -a list -d 'All modules, and what each is for'
complete -c hookrun-module -n $first -a update -d 'Run the update of modules'
complete -c hookrun-module -n $first -a install -d 'Install module files'
complete -c hookrun-module -n $first -a remove -d 'Undo what modules did and remove them'
complete -c hookrun-module -n $first -a pending -d 'Answer changes that were kept'
complete -c hookrun-module -n $first -a undo -d 'Take back accepted changes'
complete -c hookrun-module -n $first -a abandon -d 'Go on when changes that were cut off cannot be ended'
complete -c hookrun-module -n $first -a run -d 'Run any program in the sandbox'
complete -c hookrun-module -n $first -a explain -d 'Why something was denied'
complete -c hookrun-module -n $first -a learn -d 'Write the smallest policy that is enough'
complete -c hookrun-module -n $first -a state -d 'Where a module keeps its files'
complete -c hookrun-module -n $first -a policy -d 'What a module may do'
complete -c hookrun-module -n $first -a '(__hookrun_module_names)' -d Module
complete -c hookrun-module -n $second -a '(__hookrun_module_operations)' -d Operation
complete -c hookrun-module -n '__fish_seen_subcommand_from update remove pending explain learn state policy' -a '(__hookrun_module_names)' -d Module
complete -c hookrun-module -n '__fish_seen_subcommand_from install' -F
complete -c hookrun-module -s p -l path -r -a '(__fish_complete_directories)' -d 'Folders of modules'
complete -c hookrun-module -l hooks -r -a '(__fish_complete_directories)' -d 'Folder of hooks'
complete -c hookrun-module -s a -l answer -x -a 'y a s n N' -d 'Answer to every change'
complete -c hookrun-module -s n -l no-confirm -d 'Ask nothing'
complete -c hookrun-module -l grant -d 'Grant what is asked for'
complete -c hookrun-module -l revoke -d 'Take grants back'
complete -c hookrun-module -l root -r -a '(__fish_complete_directories)' -d 'Folder that the program may change'
complete -c hookrun-module -l cache -r -a '(__fish_complete_directories)' -d 'Another one, CACHE'
complete -c hookrun-module -l temp -r -a '(__fish_complete_directories)' -d 'Another one, TEMP'
complete -c hookrun-module -l policy -r -d 'What more it may do'
complete -c hookrun-module -l limit -x -a 'processes= memory= disk= cpu= wall=' -d Limit
complete -c hookrun-module -s o -l output -r -F -d 'Where the policy goes'
complete -c hookrun-module -s y -l yes -d 'Grant secrets, too'
complete -c hookrun-module -l for-real -d 'Run once, and what it changes is changed'
complete -c hookrun-module -s j -l json -d 'Print JSON, one object a line'
complete -c hookrun-module -s q -l quiet -d 'Only results and errors'
complete -c hookrun-module -l version -d 'Print the version'
complete -c hookrun-module -s h -l help -d 'Print help'
