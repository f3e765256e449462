# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of hookrun-watch for fish.

complete -c hookrun-watch -s p -l print -d 'Print a line for each change'
complete -c hookrun-watch -s 0 -l null -d 'End fields and records with NUL'
complete -c hookrun-watch -s j -l json -d 'Print JSON, one object a line'
complete -c hookrun-watch -s k -l kind -x -a 'created changed attributes removed moved' -d 'Only these kinds'
complete -c hookrun-watch -s 1 -l once -d 'End after the first change'
complete -c hookrun-watch -l shallow -d 'Not the folders in the folders'
complete -c hookrun-watch -s s -l settle -x -d 'Wait until a path was quiet'
complete -c hookrun-watch -l backend -x -a 'auto inotify' -d 'How to watch'
complete -c hookrun-watch -s q -l quiet -d 'Do not say that it is ready'
complete -c hookrun-watch -l version -d 'Print the version'
complete -c hookrun-watch -s h -l help -d 'Print help'
