# Written by completions/generate.py, with shtab: change nothing here.

# Custom Preamble

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

function _qmp_shell_paths
  complete -C "__fish_command_without_completions $argv" | string replace -r '\t.*' ''
end

function _qmp_shell_files
  set -l word (commandline -ct | string replace -r '^--\w+=' '')
  _qmp_shell_paths $word | string replace -r '$' \t
end

# End Custom Preamble

# Parse current commandline:
# - _shtab_qmp_shell_cmdpath=(sub)command path seen so far
# - _shtab_qmp_shell_npos=number of positional arguments given after it
# - options are skipped based on _shtab_qmp_shell_opts_with_value & _shtab_qmp_shell_commands lists
function _shtab_qmp_shell_scan
  set -g _shtab_qmp_shell_cmdpath ''
  set -g _shtab_qmp_shell_npos 0
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
        if contains -- $t $_shtab_qmp_shell_opts_with_value
          set expect_value 1
        end
        continue
      case '*'
        if test $_shtab_qmp_shell_npos -eq 0
          set -l candidate $t
          if test -n "$_shtab_qmp_shell_cmdpath"
            set candidate "$_shtab_qmp_shell_cmdpath $t"
          end
          if contains -- $candidate $_shtab_qmp_shell_commands
            set -g _shtab_qmp_shell_cmdpath $candidate
            continue
          end
        end
        set -g _shtab_qmp_shell_npos (math $_shtab_qmp_shell_npos + 1)
    end
  end
end

# Condition helper: true if the current (sub)command path equals the given one.
function _shtab_qmp_shell_using
  _shtab_qmp_shell_scan
  test "$_shtab_qmp_shell_cmdpath" = "$argv"
end

set -g _shtab_qmp_shell_commands
set -g _shtab_qmp_shell_opts_with_value --color --command --config --file --help --logfile --parallel --schema --share --timeout --tls-ca --tls-cert --tls-hostname --tls-key --tls-psk --view --wait -c -f -l -t -w

complete -c qmp-shell -e
complete -c qmp-shell -f

complete -c qmp-shell -n _shtab_qmp_shell_using -l all -d 'all VMs of the configuration, at the same time'
complete -c qmp-shell -n _shtab_qmp_shell_using -l parallel -x -d 'of several VMs, how many at the same time (default: 64)'
complete -c qmp-shell -n _shtab_qmp_shell_using -l demo -d 'start a temporary VM, and attach to it with a guided tour'
complete -c qmp-shell -n _shtab_qmp_shell_using -s N -l skip-negotiation -l agent -d 'the address is a guest agent'"'"'s (qemu-ga): no greeting, no capabilities'
complete -c qmp-shell -n _shtab_qmp_shell_using -l listen -d 'wait until QEMU connects to ADDRESS (its option lacks server=on), at most -w SECONDS'
complete -c qmp-shell -n _shtab_qmp_shell_using -s w -l wait -xka "(_qmp_shell_sockets)" -d 'wait until the socket exists and is free, at most SECONDS'
complete -c qmp-shell -n _shtab_qmp_shell_using -l schema -xka "(_qmp_shell_files)" -d 'a dry run without a VM: types come from a file, the reply to query-qmp-schema'
complete -c qmp-shell -n _shtab_qmp_shell_using -l list -d 'list the running VMs, their monitors and who is there'
complete -c qmp-shell -n _shtab_qmp_shell_using -l json -d 'with --list: a JSON object for each VM'
complete -c qmp-shell -n _shtab_qmp_shell_using -l list-addresses -d 'list addresses for completion, and what is there behind a tab'
complete -c qmp-shell -n _shtab_qmp_shell_using -s c -l command -x -d 'run this line and exit (may be given again)'
complete -c qmp-shell -n _shtab_qmp_shell_using -s f -l file -xka "(_qmp_shell_files)" -d 'run the lines of a file and exit; - is standard input'
complete -c qmp-shell -n _shtab_qmp_shell_using -s k -l keep-going -d 'go on after a failed line'
complete -c qmp-shell -n _shtab_qmp_shell_using -s n -l dry-run -d 'print and check the JSON that each line would send; send none'
complete -c qmp-shell -n _shtab_qmp_shell_using -s H -l hmp -d 'human monitor mode: lines are HMP commands'
complete -c qmp-shell -n _shtab_qmp_shell_using -s t -l timeout -x -d 'how long one command may take (default: any time)'
complete -c qmp-shell -n _shtab_qmp_shell_using -s p -l pretty -d 'replies over many lines, indented (default at a terminal)'
complete -c qmp-shell -n _shtab_qmp_shell_using -l compact -d 'each reply on one line (default in scripts)'
complete -c qmp-shell -n _shtab_qmp_shell_using -l view -xka "json table tree compact csv" -d 'how replies are shown: json, table, tree, compact, csv'
complete -c qmp-shell -n _shtab_qmp_shell_using -s e -l events -d 'print events in a script'"'"'s output too'
complete -c qmp-shell -n _shtab_qmp_shell_using -s v -l verbose -d 'show each message sent and received'
complete -c qmp-shell -n _shtab_qmp_shell_using -s l -l logfile -xka "(_qmp_shell_files)" -d 'append every message to a file'
complete -c qmp-shell -n _shtab_qmp_shell_using -l color -xka "auto always never" -d 'colours (auto, the default: at a terminal, unless $NO_COLOR is set)'
complete -c qmp-shell -n _shtab_qmp_shell_using -l tls -d 'HOST:PORT means tls:HOST:PORT'
complete -c qmp-shell -n _shtab_qmp_shell_using -l tls-ca -xka "(_qmp_shell_files)" -d 'CA certificates that the server is verified by (default: the system'"'"'s)'
complete -c qmp-shell -n _shtab_qmp_shell_using -l tls-cert -xka "(_qmp_shell_files)" -d 'the client'"'"'s certificate, if the server wants one'
complete -c qmp-shell -n _shtab_qmp_shell_using -l tls-key -xka "(_qmp_shell_files)" -d 'the key of the client'"'"'s certificate (default: it is in the same file)'
complete -c qmp-shell -n _shtab_qmp_shell_using -l tls-hostname -x -d 'the name in the server'"'"'s certificate (default: HOST)'
complete -c qmp-shell -n _shtab_qmp_shell_using -l tls-psk -xka "(_qmp_shell_files)" -d 'a shared key instead of certificates, as USER:HEXKEY'
complete -c qmp-shell -n _shtab_qmp_shell_using -l share -xka "(_qmp_shell_sockets)" -d 'serve the VM'"'"'s monitor to others, too, on a UNIX socket'
complete -c qmp-shell -n _shtab_qmp_shell_using -l share-readonly -d 'with --share: others may only execute what changes nothing'
complete -c qmp-shell -n _shtab_qmp_shell_using -l config -xka "(_qmp_shell_files)" -d 'the configuration file (default: ~/.config/qmp-shell/config.toml)'
complete -c qmp-shell -n _shtab_qmp_shell_using -l no-config -d 'read no configuration file'
complete -c qmp-shell -n _shtab_qmp_shell_using -s h -d 'a short help, on one screen'
complete -c qmp-shell -n _shtab_qmp_shell_using -l help -xka "(_qmp_shell_sockets)" -d 'all options, or a topic of the manual, as notation'
complete -c qmp-shell -n _shtab_qmp_shell_using -l version -d 'show program'"'"'s version number and exit'
complete -c qmp-shell -n '_shtab_qmp_shell_using; and test $_shtab_qmp_shell_npos -ge 0' -ka "(_qmp_shell_sockets)" -d 'of the monitor: PATH, HOST:PORT and others (default: $QMP_SOCKET, or the only VM)'
