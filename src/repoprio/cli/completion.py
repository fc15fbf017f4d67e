"""``repoprio completion``: what a shell needs to complete the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from repoprio.cli.grammar.command_tree import Command, Option, grammar

_INSTALL = {
    "bash": 'in ~/.bashrc: eval "$(repoprio completion bash)"',
    "zsh": 'in ~/.zshrc, after compinit: eval "$(repoprio completion zsh)"',
    "fish": "in ~/.config/fish/config.fish: repoprio completion fish | source",
    "powershell": "in $PROFILE: repoprio completion powershell | Out-String | Invoke-Expression",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of completion."""
    parser.description = (
        f"Prints a script that completes repoprio's commands and options. Add one line {'; '.join(_INSTALL.values())}"
    )
    parser.add_argument("shell", choices=tuple(_INSTALL), metavar="SHELL", help=", ".join(_INSTALL))


def command(options: argparse.Namespace) -> int:
    """Print the script for one shell."""
    print(_SCRIPTS[options.shell](grammar()), end="")
    return 0


def bash(whole: Command) -> str:
    """A script for bash 3.2 and later, without other dependencies."""
    cases = "\n".join(_bash_case(command) for command in whole.all())
    return f"""\
# bash completion of repoprio; made by: repoprio completion bash
_repoprio() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD-1]}}" path="" word index
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        word="${{COMP_WORDS[index]}}"
        case " {" ".join("/".join(command.path) for command in whole.all() if command.path)} " in
            *" ${{path:+$path/}}$word "*) path="${{path:+$path/}}$word" ;;
        esac
    done
    case "$path" in
{cases}
    esac
}}
complete -F _repoprio repoprio
"""


def _bash_case(command: Command) -> str:
    words = [name for option in command.options for name in option.names] + _values(command)
    files = "-f" if any(argument.takes_file for argument in command.arguments) or command.name == "pip" else ""
    values = "".join(
        f"            {'|'.join(o.names)}) {_bash_value(o)}; return ;;\n" for o in command.options if o.value
    )
    inner = f'        case "$prev" in\n{values}        esac\n' if values else ""
    return (
        f'    "{"/".join(command.path)}")\n{inner}'
        f'        COMPREPLY=($(compgen {files} -W "{" ".join(words)}" -- "$cur")) ;;'
    )


def _bash_value(option: Option) -> str:
    if option.choices:
        return f'COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$cur"))'
    kind = "-f" if option.takes_file else "-d" if option.takes_folder else ""
    return f'COMPREPLY=($(compgen {kind} -- "$cur"))' if kind else "COMPREPLY=()"


def _values(command: Command) -> list[str]:
    """The possible values of a positional argument: commands, or choices."""
    return [child.name for child in command.children] + [c for a in command.arguments for c in a.choices]


def zsh(whole: Command) -> str:
    """A script for zsh's own completion system."""
    functions = "\n".join(_zsh_function(command) for command in whole.all())
    head = "#compdef repoprio\n# zsh completion of repoprio; made by: repoprio completion zsh"
    # In a folder of $fpath, the file is the function; with eval, the function must be registered.
    end = 'if [ "$funcstack[1]" = "_repoprio" ]; then\n    _repoprio "$@"\nelse\n    compdef _repoprio repoprio\nfi\n'
    return f"{head}\n{functions}\n{end}"


def _zsh_name(command: Command) -> str:
    return "_".join(["_repoprio", *command.path])


def _zsh_function(command: Command) -> str:
    lines = [_zsh_option(option) for option in command.options]
    if command.children:
        lines += ["'1: :->command'", "'*:: :->rest'"]
    else:
        lines += [_zsh_argument(argument.choices, takes_file=argument.takes_file) for argument in command.arguments]
        lines += ["'*:file:_files'"] if command.name == "pip" else []
    arguments_ = " \\\n        ".join(["_arguments -s", *lines])
    if not command.children:
        return f"{_zsh_name(command)}() {{\n    {arguments_}\n}}"
    described = "\n            ".join(f"{_quoted(f'{child.name}:{child.about}')}" for child in command.children)
    calls = "\n            ".join(f"{child.name}) {_zsh_name(child)} ;;" for child in command.children)
    return f"""{_zsh_name(command)}() {{
    local state line
    {arguments_}
    case $state in
        command)
            local -a commands=(
            {described}
            )
            _describe command commands ;;
        rest)
            case $line[1] in
            {calls}
            esac ;;
    esac
}}"""


def _zsh_option(option: Option) -> str:
    text = option.help.replace("[", "(").replace("]", ")").replace(":", ";")
    value = ""
    if option.value:
        kind = f"({' '.join(option.choices)})" if option.choices else _zsh_kind(option)
        value = f":{option.value}:{kind}"
    return " ".join(_quoted(f"*{name}[{text}]{value}") for name in option.names)


def _zsh_kind(option: Option) -> str:
    return "_files" if option.takes_file else "_files -/" if option.takes_folder else ""


def _zsh_argument(choices: tuple[str, ...], *, takes_file: bool) -> str:
    kind = f"({' '.join(choices)})" if choices else "_files" if takes_file else ""
    return _quoted(f"*:argument:{kind}")


def fish(whole: Command) -> str:
    """A script for fish 3 and later."""
    lines = ["# fish completion of repoprio; made by: repoprio completion fish", "complete -c repoprio -f"]
    for command in whole.all():
        begin = f"complete -c repoprio -n {_quoted(_fish_condition(command))}"
        lines += [f"{begin} -a {child.name} -d {_quoted(child.about)}" for child in command.children]
        lines += [f"{begin} -a {_quoted(c)}" for argument in command.arguments for c in argument.choices]
        files = any(argument.takes_file for argument in command.arguments) or command.name == "pip"
        lines += [f"{begin} -F"] if files else []
        lines += [f"{begin}{_fish_option(option)}" for option in command.options]
    return "\n".join(lines) + "\n"


def _fish_condition(command: Command) -> str:
    if not command.path:
        return "__fish_use_subcommand"
    seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in command.path)
    inner = " ".join(child.name for child in command.children)
    return f"{seen}; and not __fish_seen_subcommand_from {inner}" if inner else seen


def _fish_option(option: Option) -> str:
    names = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)
    value = ""
    if option.choices:
        value = f" -x -a {_quoted(' '.join(option.choices))}"
    elif option.value:
        value = " -r -F" if option.takes_file or option.takes_folder else " -x"
    return f"{names}{value} -d {_quoted(option.help)}"


def powershell(whole: Command) -> str:
    """A script for PowerShell 5.1 and later. Where it offers nothing, PowerShell completes files."""
    words = "\n".join(_powershell_entry("/".join(c.path), _powershell_words(c)) for c in whole.all())
    values = "\n".join(
        _powershell_entry(f"{'/'.join(c.path)} {name}", option.choices)
        for c in whole.all()
        for option in c.options
        if option.value
        for name in option.names
    )
    return f"""\
# PowerShell completion of repoprio; made by: repoprio completion powershell
Register-ArgumentCompleter -Native -CommandName repoprio -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @{{
{words}
    }}
    $values = @{{
{values}
    }}
    $path = ''
    $previous = ''
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {{
        if ($element.Extent.EndOffset -ge $cursorPosition) {{ break }}
        $previous = $element.ToString()
        $next = if ($path) {{ "$path/$previous" }} else {{ $previous }}
        if ($words.ContainsKey($next)) {{ $path = $next }}
    }}
    $offered = if ($values.ContainsKey("$path $previous")) {{ $values["$path $previous"] }} else {{ $words[$path] }}
    $offered | Where-Object {{ $_ -like "$wordToComplete*" }} | ForEach-Object {{
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }}
}}
"""


def _powershell_words(command: Command) -> list[str]:
    return _values(command) + [name for option in command.options for name in option.names]


def _powershell_entry(key: str, words: Sequence[str]) -> str:
    # In PowerShell a quote within single quotes is doubled; none of our words has one.
    listed = ", ".join(f"'{word}'" for word in words)
    return f"        '{key}' = @({listed})"


def _quoted(text: str) -> str:
    """A word in single quotes, as bash, zsh and fish take it."""
    return "'" + text.replace("'", "'\\''") + "'"


_SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish, "powershell": powershell}
