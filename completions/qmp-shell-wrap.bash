# Written by completions/generate.py, with shtab: change nothing here.

_shtab_qmp_shell_wrap_option_strings=(-c --command -f --file -k --keep-going -n --dry-run -H --hmp -t --timeout -p --pretty --compact --view -e --events -v --verbose -l --logfile --color --share --share-readonly --config --no-config -h --help --version)

_shtab_qmp_shell_wrap_pos_0_COMPGEN=_qmp_shell_qemu_files
_shtab_qmp_shell_wrap_pos_1_COMPGEN=_qmp_shell_files
_shtab_qmp_shell_wrap__f_COMPGEN=_qmp_shell_files
_shtab_qmp_shell_wrap___file_COMPGEN=_qmp_shell_files
_shtab_qmp_shell_wrap__l_COMPGEN=_qmp_shell_files
_shtab_qmp_shell_wrap___logfile_COMPGEN=_qmp_shell_files
_shtab_qmp_shell_wrap___share_COMPGEN=_qmp_shell_socket_files
_shtab_qmp_shell_wrap___config_COMPGEN=_qmp_shell_files
_shtab_qmp_shell_wrap___help_COMPGEN=_qmp_shell_socket_files

_shtab_qmp_shell_wrap___view_choices=(json table tree compact csv)
_shtab_qmp_shell_wrap___color_choices=(auto always never)

_shtab_qmp_shell_wrap_pos_1_nargs=...
_shtab_qmp_shell_wrap__k_nargs=0
_shtab_qmp_shell_wrap___keep_going_nargs=0
_shtab_qmp_shell_wrap__n_nargs=0
_shtab_qmp_shell_wrap___dry_run_nargs=0
_shtab_qmp_shell_wrap__H_nargs=0
_shtab_qmp_shell_wrap___hmp_nargs=0
_shtab_qmp_shell_wrap__p_nargs=0
_shtab_qmp_shell_wrap___pretty_nargs=0
_shtab_qmp_shell_wrap___compact_nargs=0
_shtab_qmp_shell_wrap__e_nargs=0
_shtab_qmp_shell_wrap___events_nargs=0
_shtab_qmp_shell_wrap__v_nargs=0
_shtab_qmp_shell_wrap___verbose_nargs=0
_shtab_qmp_shell_wrap___share_readonly_nargs=0
_shtab_qmp_shell_wrap___no_config_nargs=0
_shtab_qmp_shell_wrap__h_nargs=0
_shtab_qmp_shell_wrap___version_nargs=0

# Custom Preamble

# shtab counts words, but bash splits them at = : @ too: keep the last part of each, with its @,
# and the --option before a =. Leave out -vp and -w5, in which shtab would see no option.
_qmp_shell_words() {
  local i word words=()
  for (( i = 0; i <= COMP_CWORD; i++ )); do
    word=${COMP_WORDS[i]}
    if [[ $word == [=:]* ]]; then
      [[ ${words[${#words[@]} - 1]} == --* ]] || unset "words[${#words[@]} - 1]"
      word=
    elif (( i )) && [[ ${COMP_WORDS[i - 1]} == @ ]]; then
      unset "words[${#words[@]} - 1]"
      word=@$word
    fi
    if (( i == COMP_CWORD )) || [[ -n $word && $word != -[!-]?* ]]; then
      words+=("$word")
    fi
  done
  COMP_WORDS=("${words[@]}")
  COMP_CWORD=$(( ${#words[@]} - 1 ))
}

_qmp_shell_qemu_files() {
  if [[ $completing_word == */* ]]; then
    compgen -f -- "$completing_word"
  else
    compgen -c -X '!qemu*' -- "$completing_word"
  fi
}

_qmp_shell_files() {
  compgen -f -- "$completing_word"
}

_qmp_shell_socket_files() {
  local path file typed=${COMP_LINE:0:COMP_POINT}
  typed=${typed##*[[:space:]]}
  [[ $typed == --*=* ]] && typed=${typed#*=}
  local before=${typed%"$completing_word"}
  "${COMP_WORDS[0]}" --list-addresses 2>/dev/null | while IFS=$'\t' read -r path _; do
    [[ $path == "$typed"* ]] && printf '%s\n' "${path#"$before"}"
  done
  compgen -f -- "$completing_word" | while IFS= read -r path; do
    file=$path
    [[ $path == \~/* ]] && file=$HOME/${path#\~/}
    [[ -S $file || -d $file ]] && printf '%s\n' "$path"
  done
}

# End Custom Preamble

# $1=COMP_WORDS[1]
_qmp_shell_shtab_compgen_files() {
  compgen -f -- $1  # files
}

# $1=COMP_WORDS[1]
_qmp_shell_shtab_compgen_dirs() {
  compgen -d -- $1  # recurse into subdirs
}

# $1=COMP_WORDS[1]
_qmp_shell_shtab_replace_nonword() {
  echo "${1//[^[:word:]]/_}"
}

# set default values (called for the initial parser & any subparsers)
_qmp_shell_set_parser_defaults() {
  local subparsers_var="${prefix}_subparsers[@]"
  sub_parsers=${!subparsers_var-}

  local current_option_strings_var="${prefix}_option_strings[@]"
  current_option_strings=${!current_option_strings_var}

  completed_positional_actions=0

  _qmp_shell_set_new_action "pos_$completed_positional_actions" true
}

# $1=action identifier
# $2=positional action (bool)
# set all identifiers for an action's parameters
_qmp_shell_set_new_action() {
  current_action="${prefix}_$(_qmp_shell_shtab_replace_nonword $1)"

  local current_action_compgen_var=${current_action}_COMPGEN
  current_action_compgen="${!current_action_compgen_var-}"

  local current_action_choices_var="${current_action}_choices[@]"
  current_action_choices="${!current_action_choices_var-}"

  local current_action_nargs_var="${current_action}_nargs"
  if [ -n "${!current_action_nargs_var-}" ]; then
    current_action_nargs="${!current_action_nargs_var}"
  else
    current_action_nargs=1
  fi

  current_action_args_start_index=$(( $word_index + 1 - $pos_only ))

  current_action_is_positional=$2
}

# Notes:
# `COMPREPLY`: what will be rendered after completion is triggered
# `completing_word`: currently typed word to generate completions for
# `${!var}`: evaluates the content of `var` and expand its content as a variable
#     hello="world"
#     x="hello"
#     ${!x} -> ${hello} -> "world"
_shtab_qmp_shell_wrap() {
  _qmp_shell_words
  local completing_word="${COMP_WORDS[COMP_CWORD]}"
  local previous_word="${COMP_WORDS[COMP_CWORD-1]}"
  local completed_positional_actions
  local current_action
  local current_action_args_start_index
  local current_action_choices
  local current_action_compgen
  local current_action_is_positional
  local current_action_nargs
  local current_option_strings
  local sub_parsers
  COMPREPLY=()

  local prefix=_shtab_qmp_shell_wrap
  local word_index=0
  local pos_only=0 # "--" delimiter not encountered yet
  _qmp_shell_set_parser_defaults
  word_index=1

  # determine what arguments are appropriate for the current state
  # of the arg parser
  while [[ $word_index -ne $COMP_CWORD && $current_action_nargs != ... ]]; do
    local this_word="${COMP_WORDS[$word_index]}"

    if [[ $pos_only = 1 || " $this_word " != " -- " ]]; then
      if [[ -n $sub_parsers && " ${sub_parsers[@]} " == *" $this_word "* ]]; then
        # valid subcommand: add it to the prefix & reset the current action
        prefix="${prefix}_$(_qmp_shell_shtab_replace_nonword $this_word)"
        _qmp_shell_set_parser_defaults
      fi

      if [[ " ${current_option_strings[@]} " == *" $this_word "* ]]; then
        # a new action should be acquired (due to recognised option string or
        # no more input expected from current action);
        # the next positional action can fill in here
        _qmp_shell_set_new_action $this_word false
      fi

      if [[ "$current_action_nargs" != "*" ]] && \
         [[ "$current_action_nargs" != "+" ]] && \
         [[ "$current_action_nargs" != "?" ]] && \
         [[ "$current_action_nargs" != *"..." ]] && \
         (( $word_index + 1 - $current_action_args_start_index - $pos_only >= \
            $current_action_nargs )); then
        $current_action_is_positional && let "completed_positional_actions += 1"
        _qmp_shell_set_new_action "pos_$completed_positional_actions" true
      fi
    else
      pos_only=1 # "--" delimiter encountered
    fi

    let "word_index+=1"
  done

  # Generate the completions

  COMPREPLY=()
  if [[ $pos_only = 0 && $current_action_nargs != ... && "$completing_word" == -* &&
        ( -z "$current_action_compgen" || "$current_action_is_positional" = true ) ]]; then
    # optional argument started: use option strings
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_option_strings[*]}" -- "$completing_word")
  elif [[ "$previous_word" =~ ^[0-9\&]*[\<\>]\>?$ ]]; then
    # handle redirection operators
    compopt -o filenames 2>/dev/null || : # bash>=4
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$completing_word")
  else
    # use choices & compgen
    local action_compgen_word="$completing_word"
    # handle tab-completing in the middle of a line (#248 <- #116)
    [[ -n "$current_action_compgen" && "$completing_word" == -* ]] && action_compgen_word=""
    [ -n "$current_action_compgen" ] && {
      [[ "$current_action_compgen" =~ _(file|dir|glob|FILE|DIR|GLOB)|File|Dir|Glob ]] &&
        compopt -o filenames 2>/dev/null || : # bash>=4
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        "$current_action_compgen" "$action_compgen_word")
    }
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_action_choices[*]}" -- "$completing_word")
  fi

  if [[ ${#COMPREPLY[@]} = 0 ]]; then
    # native fallback matches are not necessarily filenames (e.g. variables)
    compopt +o filenames 2>/dev/null || : # bash>=4
  fi

  return 0
}

complete -o bashdefault -F _shtab_qmp_shell_wrap qmp-shell-wrap
