# Completion of qmp-shell and qmp-shell-wrap in fish. The program says what can stand at the cursor;
# qmp_shell/completing/answer.py describes its answer.

function _qmp_shell
  set -l words (commandline -opc)
  set -l line "$(commandline -cp)"
  for answer in (command $words[1] --complete $line 2>/dev/null)
    set -l fields (string split \t -- $answer)
    if test -n "$fields[1]"
      printf '%s\n' $answer
    else if test "$fields[2]" = command
      complete -C (string sub -s (math $fields[4] + 1) -- $line)
    else
      _qmp_shell_paths $fields[2] "$fields[3]"
    end
  end
end

# Paths behind a part of the word; of sockets only, those and the directories in which they may be.
function _qmp_shell_paths -a kind prefix
  set -l typed (string sub -s (math (string length -- $prefix) + 1) -- (commandline -ct))
  for path in (complete -C "__fish_command_without_completions $typed" | string replace -r '\t.*' '')
    set -l file (string replace -r '^~/' "$HOME/" -- $path)
    if test $kind = files -o -S $file -o -d $file
      printf '%s\n' $prefix$path
    end
  end
end

for program in qmp-shell qmp-shell-wrap
  complete -c $program -e
  complete -c $program -f -k -a '(_qmp_shell)'
end
