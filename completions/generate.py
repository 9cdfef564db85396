"""Write the completion scripts of both programs, from their options.

Run ``python completions/generate.py`` when the options have changed. shtab turns an argument parser
into a script for a shell. Here it is told what completes a file, an address or QEMU's name, and
what it wrote is mended where it would read a command line otherwise than the program does.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import shtab

from qmp_shell.options import build_parser, build_wrap_parser

SHTAB_VERSION = "1.13.0"  # another one writes other scripts, and may need other mending

# Per shell, what gives the candidates, and how that is defined. In bash, "_files" in its name has
# shtab quote them, and the word is not in $1 if it begins with a dash. In fish, the tab behind one
# gives it an empty description; else it would get the help of the whole option.
FILES = {
    "bash": "_qmp_shell_files",
    "zsh": "_files",
    "fish": "(_qmp_shell_files)",
    "preamble": {
        "bash": r"""
_qmp_shell_files() {
  compgen -f -- "$completing_word"
}
""",
        "fish": r"""
function _qmp_shell_paths
  complete -C "__fish_command_without_completions $argv" | string replace -r '\t.*' ''
end

function _qmp_shell_files
  set -l word (commandline -ct | string replace -r '^--\w+=' '')
  _qmp_shell_paths $word | string replace -r '$' \t
end
""",
    },
}

# The program itself lists names of VMs, and the monitors of running ones; what it is, behind a tab.
SOCKETS = {
    "bash": "_qmp_shell_socket_files",
    "zsh": "_qmp_shell_sockets",
    "fish": "(_qmp_shell_sockets)",
    "preamble": {
        "bash": r"""
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
""",
        "zsh": r"""
_qmp_shell_sockets() {
  local line
  local -a found
  for line in ${(f)"$("${(Q)words[1]}" --list-addresses 2>/dev/null)"}; do
    found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe -t addresses 'running VM' found
  compset -P unix:
  _path_files "$@" -g '*(-=,-/)'
}
""",
        "fish": r"""
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
""",
    },
}

QEMU = {
    "bash": "_qmp_shell_qemu_files",
    "zsh": "_qmp_shell_qemu",
    "fish": "(_qmp_shell_qemu)",
    "preamble": {
        "bash": r"""
_qmp_shell_qemu_files() {
  if [[ $completing_word == */* ]]; then
    compgen -f -- "$completing_word"
  else
    compgen -c -X '!qemu*' -- "$completing_word"
  fi
}
""",
        "zsh": r"""
_qmp_shell_qemu() {
  if [[ $PREFIX == */* ]]; then
    _files "$@"
  else
    compadd "$@" -- ${(k)commands[(I)qemu*]}
  fi
}
""",
        "fish": r"""
function _qmp_shell_qemu
  if string match -q '*/*' -- (commandline -ct)
    _qmp_shell_files
  else
    for command in $PATH/qemu*
      test -f $command -a -x $command; and printf '%s\t\n' (string replace -r '.*/' '' $command)
    end
  end
end
""",
    },
}

COMPLETERS = {"ADDRESS": SOCKETS, "FILE": FILES, "PATH": SOCKETS, "QEMU": QEMU, "ARGS": FILES}

BASH_WORDS = r"""
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
"""


def completions() -> dict[str, str]:
    """The text of each completion file, by the file's name."""
    return {
        name.format(build().prog): _tidy(script(_told(build())))
        for build in (build_parser, build_wrap_parser)
        for name, script in (("{}.bash", _bash), ("_{}", _zsh), ("{}.fish", _fish))
    }


def _told(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser, with what completes its values."""
    for action in parser._actions:
        if action.metavar == "ADDRESS":
            action.nargs = "*"  # its parser leaves it open which words are addresses
        completer = COMPLETERS.get(str(action.metavar))
        if completer:
            action.complete = completer  # type: ignore[attr-defined]
        if action.option_strings and action.nargs == "?":
            # Its value may be left out: what follows it may be the address already.
            action.nargs = None
            action.complete = SOCKETS  # type: ignore[attr-defined]
    return parser


def _bash(parser: argparse.ArgumentParser) -> str:
    text = shtab.complete(parser, "bash", preamble=BASH_WORDS)
    for old, new in (
        ("  local completing_word=", "  _qmp_shell_words\n  local completing_word="),
        # What follows QEMU is not for these options.
        ("[ $word_index -ne $COMP_CWORD ]", "[[ $word_index -ne $COMP_CWORD && {} ]]"),
        ("if [[ $pos_only = 0 && ", "if [[ $pos_only = 0 && {} && "),
    ):
        if text.count(old) != 1:
            raise ValueError(f"shtab did not write this once, to be mended: {old}")
        text = text.replace(old, new.format("$current_action_nargs != ..."))
    # All scripts of shtab define functions of these names, and its versions differ.
    return re.sub(r"\b_(?=set_(new|parser)_|shtab_(compgen|replace)_)", "_qmp_shell_", text)


def _zsh(parser: argparse.ArgumentParser) -> str:
    for action in parser._actions:
        if action.option_strings and action.nargs is None:
            # So zsh is told that a value may be in the same word: -t5, --timeout=5
            action.option_strings = [
                option + ("=" if option.startswith("--") else "+")
                for option in action.option_strings
            ]
    # Where options end; and that no subcommands are to be added.
    prefix = _prefix(parser)
    end_of_options = "-S -A '-*'" if _has_remainder(parser) else "-S"
    preamble = f"""
{prefix}_options=({end_of_options} ${prefix}_options)
{prefix}_defaults_added=1
"""
    text = shtab.complete(parser, "zsh", preamble=preamble)
    # shtab means "any number of them", and zsh takes it for "one, or none".
    text = text.replace('\n  "(*)::', '\n  "*:')
    # zsh shows the text about a positional with all backslashes but those of colons.
    return re.sub(
        r'^  "[-()*]*:.*', lambda spec: re.sub(r"\\([][;'])", r"\1", spec[0]), text, flags=re.M
    )


def _fish(parser: argparse.ArgumentParser) -> str:
    text = shtab.complete(parser, "fish")
    if not _has_remainder(parser):
        return text
    # What follows QEMU is not for these options.
    prefix = _prefix(parser)
    return text.replace(
        f"-n {prefix}_using ", f"-n '{prefix}_using; and test ${prefix}_npos -eq 0' "
    )


def _prefix(parser: argparse.ArgumentParser) -> str:
    """What shtab's names begin with."""
    return f"_shtab_{parser.prog.replace('-', '_')}"


def _has_remainder(parser: argparse.ArgumentParser) -> bool:
    """Whether the options end at the first positional argument."""
    return any(action.nargs == argparse.REMAINDER for action in parser._actions)


def _tidy(text: str) -> str:
    head = "# Written by completions/generate.py, with shtab: change nothing here.\n"
    text = re.sub(r"# AUTOMATICALLY GENERATED(.|\n)*?# See also.*\n", head, text)
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def main() -> None:
    if shtab.__version__ != SHTAB_VERSION:
        raise SystemExit(f"this needs shtab {SHTAB_VERSION}, and here is {shtab.__version__}")
    for name, text in completions().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
