# Written by completions/generate.py, with shtab: change nothing here.

# Custom Preamble

function _qmp_shell_paths
  complete -C "__fish_command_without_completions $argv" | string replace -r '\t.*' ''
end

function _qmp_shell_files
  set -l word (commandline -ct | string replace -r '^--\w+=' '')
  _qmp_shell_paths $word | string replace -r '$' \t
end

function _qmp_shell_sockets
  set -l words (commandline -opc)
  command $words[1] --list-addresses 2>/dev/null
  set -l scheme (commandline -ct | string match -r '^unix:')
  set -l word (commandline -ct | string replace -r '^unix:' '')
  for path in (_qmp_shell_paths $word)
    set -l file (string replace -r '^~/' "$HOME/" -- $path)
    if test -S $file -o -d $file
      printf '%s\t\n' "$scheme$path"
    end
  end
end

function _qmp_shell_qemu
  if string match -q '*/*' -- (commandline -ct)
    _qmp_shell_files
  else
    for command in $PATH/qemu*
      test -f $command -a -x $command; and printf '%s\t\n' (string replace -r '.*/' '' $command)
    end
  end
end

# End Custom Preamble

# Parse current commandline:
# - _shtab_qmp_shell_wrap_cmdpath=(sub)command path seen so far
# - _shtab_qmp_shell_wrap_npos=number of positional arguments given after it
# - options are skipped based on _shtab_qmp_shell_wrap_opts_with_value & _shtab_qmp_shell_wrap_commands lists
function _shtab_qmp_shell_wrap_scan
  set -g _shtab_qmp_shell_wrap_cmdpath ''
  set -g _shtab_qmp_shell_wrap_npos 0
  set -l tokens (commandline -opc)
  set -e tokens[1]
  set -l expect_value 0
  for t in $tokens
    if test $expect_value -eq 1
      set expect_value 0
      continue
    end
    switch "$t"
      case '--*=*'
        continue
      case '-*'
        if contains -- $t $_shtab_qmp_shell_wrap_opts_with_value
          set expect_value 1
        end
        continue
      case '*'
        if test $_shtab_qmp_shell_wrap_npos -eq 0
          set -l candidate $t
          if test -n "$_shtab_qmp_shell_wrap_cmdpath"
            set candidate "$_shtab_qmp_shell_wrap_cmdpath $t"
          end
          if contains -- $candidate $_shtab_qmp_shell_wrap_commands
            set -g _shtab_qmp_shell_wrap_cmdpath $candidate
            continue
          end
        end
        set -g _shtab_qmp_shell_wrap_npos (math $_shtab_qmp_shell_wrap_npos + 1)
    end
  end
end

# Condition helper: true if the current (sub)command path equals the given one.
function _shtab_qmp_shell_wrap_using
  _shtab_qmp_shell_wrap_scan
  test "$_shtab_qmp_shell_wrap_cmdpath" = "$argv"
end

set -g _shtab_qmp_shell_wrap_commands
set -g _shtab_qmp_shell_wrap_opts_with_value --color --command --config --file --help --logfile --share --timeout --view -c -f -l -t

complete -c qmp-shell-wrap -e
complete -c qmp-shell-wrap -f

complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s c -l command -x -d 'run this line and exit (may be given again)'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s f -l file -xka "(_qmp_shell_files)" -d 'run the lines of a file and exit; - is standard input'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s k -l keep-going -d 'go on after a failed line'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s n -l dry-run -d 'print and check the JSON that each line would send; send none'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s H -l hmp -d 'human monitor mode: lines are HMP commands'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s t -l timeout -x -d 'how long one command may take (default: any time)'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s p -l pretty -d 'replies over many lines, indented (default at a terminal)'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l compact -d 'each reply on one line (default in scripts)'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l view -xka "json table tree compact csv" -d 'how replies are shown: json, table, tree, compact, csv'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s e -l events -d 'print events in a script'"'"'s output too'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s v -l verbose -d 'show each message sent and received'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s l -l logfile -xka "(_qmp_shell_files)" -d 'append every message to a file'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l color -xka "auto always never" -d 'colours (auto, the default: at a terminal, unless $NO_COLOR is set)'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l share -xka "(_qmp_shell_sockets)" -d 'serve the VM'"'"'s monitor to others, too, on a UNIX socket'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l share-readonly -d 'with --share: others may only execute what changes nothing'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l config -xka "(_qmp_shell_files)" -d 'the configuration file (default: ~/.config/qmp-shell/config.toml)'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l no-config -d 'read no configuration file'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -s h -d 'a short help, on one screen'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l help -xka "(_qmp_shell_sockets)" -d 'all options, or a topic of the manual, as notation'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -l version -d 'show program'"'"'s version number and exit'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -eq 0' -ka "(_qmp_shell_qemu)" -d 'the program, as qemu-system-x86_64'
complete -c qmp-shell-wrap -n '_shtab_qmp_shell_wrap_using; and test $_shtab_qmp_shell_wrap_npos -ge 1' -ka "(_qmp_shell_files)" -d 'its arguments'
