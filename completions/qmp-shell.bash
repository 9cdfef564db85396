# Completion of qmp-shell and qmp-shell-wrap in bash. The program says what can stand at the cursor;
# qmp_shell/completing/answer.py describes its answer.

_qmp_shell() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      $'\tfiles\t'*)
        compopt -o filenames
        _qmp_shell_paths "$2" "${line#$'\tfiles\t'}"
        ;;
      $'\tsockets\t'*) _qmp_shell_paths "$2" "${line#$'\tsockets\t'}" sockets ;;
      $'\tcommand\t'*) _qmp_shell_command "${line##*$'\t'}" ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("$1" --complete "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
  # What may mean something to bash is to be quoted; it then puts a backslash before "=", too, and
  # lists paths without their directories.
  for line in "${COMPREPLY[@]}"; do
    [[ $line == *[!A-Za-z0-9_./:=,@%+-]* ]] && compopt -o filenames
  done
  if [[ ${#COMPREPLY[@]} -eq 1 ]]; then
    line=${COMPREPLY[0]}
    [[ $line == *[=.:,/] ]] && compopt -o nospace
    # A line behind -c goes on after such an end, and after a command's name. Only if there are two
    # candidates does bash leave its quote open.
    if [[ ${COMP_WORDS[COMP_CWORD-1]} == -@(c|-command) && ${COMP_WORDS[COMP_CWORD]} == [\'\"]* &&
      ${COMP_WORDS[COMP_CWORD]:1} != "$line" && ( $line == *[=.:,/] || $line != *\ * ) ]]; then
      COMPREPLY+=("$line ")
    fi
  fi
  return 0
}

# Paths behind a part of the word; of sockets only, those and the directories in which they may be.
_qmp_shell_paths() {
  local path file
  while IFS= read -r path; do
    file=$path
    [[ $path == \~/* ]] && file=$HOME/${path#\~/}
    if [[ ! ${3-} || -S $file ]]; then
      COMPREPLY+=("$2$path")
    elif [[ -d $file ]]; then
      COMPREPLY+=("$2$path/")
    fi
  done < <(compgen -f -- "${1#"$2"}")
}

# The command that begins at a character of the line is completed as it is without qmp-shell-wrap.
_qmp_shell_command() {
  local line=$COMP_LINE before start=0 word
  for (( word = 0; word < COMP_CWORD; word++ )); do
    before=${line%%"${COMP_WORDS[word]}"*}
    (( start += ${#before} ))
    (( start >= $1 )) && break
    (( start += ${#COMP_WORDS[word]} ))
    line=${COMP_LINE:start}
  done
  compopt +o filenames
  if declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$word"
  elif declare -F _command_offset >/dev/null; then  # before version 2.12 of bash-completion
    _command_offset "$word"
  else
    compopt -o filenames
    _qmp_shell_paths "${COMP_WORDS[COMP_CWORD]}" ""
  fi
}

complete -F _qmp_shell qmp-shell qmp-shell-wrap
