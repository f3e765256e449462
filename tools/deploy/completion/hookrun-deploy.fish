# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of hookrun-deploy for fish. Hosts and modules come from the project itself.

function __hookrun_deploy_names
    set -l words (commandline -opc)
    set -l project
    for index in (seq (count $words))
        if contains -- $words[$index] -C --project
            set project --project=$words[(math $index + 1)]
        end
    end
    hookrun-deploy $project --json $argv[1] 2>/dev/null |
        sed -n 's/.*"'$argv[2]'" *: *"\([^"]*\)".*/\1/p'
end

set -l commands deploy hosts modules handlers plugins status resume rollback
set -l none "not __fish_seen_subcommand_from $commands"

complete -c hookrun-deploy -f
complete -c hookrun-deploy -n $none -a deploy -d 'Bring the modules to the host (the default)'
complete -c hookrun-deploy -n $none -a hosts -d 'List the valid hosts'
complete -c hookrun-deploy -n $none -a modules -d 'List the modules in order'
complete -c hookrun-deploy -n $none -a handlers -d 'List all signals with their handlers'
complete -c hookrun-deploy -n $none -a plugins -d 'List the plugins, and what each of them may do'
complete -c hookrun-deploy -n $none -a status -d 'What is deployed, and runs that did not end'
complete -c hookrun-deploy -n $none -a resume -d 'Go on with a run that was cut off'
complete -c hookrun-deploy -n $none -a rollback -d 'Take back a run that was cut off'
complete -c hookrun-deploy -s C -l project -r -a '(__fish_complete_directories)' -d 'Folder or file of the project'
complete -c hookrun-deploy -s H -l host -x -a '(__hookrun_deploy_names hosts host)' -d 'Host to deploy to'
complete -c hookrun-deploy -s c -l config -x -d Configuration
complete -c hookrun-deploy -s r -l release -x -d 'Release to deploy'
complete -c hookrun-deploy -s m -l module -x -a '(__hookrun_deploy_names modules module)' -d 'Only this module and what it depends on'
complete -c hookrun-deploy -s f -l force -x -a '(__hookrun_deploy_names modules module)' -d 'Deploy this module again'
complete -c hookrun-deploy -s n -l dry-run -d 'Only tell what would happen'
complete -c hookrun-deploy -l json -d 'Print JSON, one object a line'
complete -c hookrun-deploy -s q -l quiet -d 'No progress'
complete -c hookrun-deploy -s v -l verbose -d 'Also debugging lines'
complete -c hookrun-deploy -l trace -r -d 'Write all emissions to a file'
complete -c hookrun-deploy -l version -d 'Print the version'
complete -c hookrun-deploy -s h -l help -d 'Print help'
