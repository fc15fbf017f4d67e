"""The console blocks of README and manual: what each one runs, what it shows, and why one is not run.

Before each block stands a comment: `<!-- scene: NAME -->`, or `<!-- not run: REASON -->`. The blocks of one scene of
one page run in one shell, in their order; a block of another language below `<!-- file: NAME -->` is written there
first. A line with nothing but `…` stands for any lines, `…` in a line for any text. Where nothing is shown below a
command, it must succeed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(
    r"^(?:<!-- (?P<kind>scene|file|not run): (?P<word>[^>]+?) -->\n)?"
    r"(?P<fence>```+)(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
_HEREDOC: Final = re.compile(r"<<-?'?(\w+)'?$")
_MARK: Final = "=-=-= repoprio"
_ANY: Final = "…"


@dataclass(frozen=True)
class Step:
    """A command, and the lines that the block shows below it. With `file`, its text is written there instead."""

    command: str
    shown: tuple[str, ...] = ()
    file: str | None = None


@dataclass(frozen=True)
class Block:
    """A console block: its scene, or the reason why it is not run; `line` is where it begins."""

    line: int
    scene: str | None
    reason: str | None
    steps: tuple[Step, ...]


@dataclass
class Ran:
    """What a command printed, on both streams, and its exit status."""

    step: Step
    printed: list[str] = field(default_factory=list)
    status: int = 0


def blocks(text: str) -> list[Block]:
    """The console blocks of a page, and the files that belong to them."""
    found: list[Block] = []
    files: tuple[Step, ...] = ()
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        word = match["word"]
        if match["kind"] == "file":
            files += (Step("", tuple(match["text"].splitlines()), file=word),)
        elif match["language"] == "console" or match["text"].startswith("$ "):
            scene = word if match["kind"] == "scene" else None
            reason = word if match["kind"] == "not run" else None
            found.append(Block(line, scene, reason, (*files, *_steps(match["text"].splitlines()))))
            files = ()
    return found


def _steps(lines: list[str]) -> list[Step]:
    steps: list[Step] = []
    rest = iter(lines)
    for line in rest:
        if line.startswith("$ "):
            command, end = line[2:], _HEREDOC.search(line)
            while end and (more := next(rest)) is not None:
                command += f"\n{more}"
                if more == end[1]:
                    break
            steps.append(Step(command))
        elif steps:
            steps[-1] = Step(steps[-1].command, (*steps[-1].shown, line))
        else:
            steps.append(Step("", (line,)))
    return [Step(step.command, _trimmed(step.shown)) for step in steps]


def _trimmed(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Without the blank lines that only part it from the next command."""
    return tuple("\n".join(lines).rstrip("\n").splitlines())


def run(steps: list[Step], env: Mapping[str, str], folder: Path) -> list[Ran]:
    """Run the commands in one shell."""
    script, runs = [], []
    for step in steps:
        if step.file is not None:
            text = "\n".join(step.shown)
            script.append(f"cat > {step.file} <<'{_MARK}'\n{text}\n{_MARK}\n")
        else:
            runs.append(Ran(step))
            script.append(f"{step.command}\nprintf '\\n%s %s\\n' '{_MARK}' $?\n")
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", "exec 2>&1\n" + "".join(script)],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    parts = re.split(rf"\n{_MARK} (\d+)\n", done.stdout)
    assert len(parts) == 2 * len(runs) + 1, done.stdout + done.stderr
    for ran, printed, status in zip(runs, parts[::2], parts[1::2], strict=False):
        ran.printed, ran.status = printed.rstrip("\n").splitlines(), int(status)
    return runs


def is_shown(printed: list[str], shown: tuple[str, ...]) -> bool:
    """Whether a block shows what was printed; it may leave out the line that names the environment."""
    if not any("environment: " in line for line in shown):
        printed = [line for line in printed if not line.removeprefix("repoprio: ").startswith("environment: ")]
    return bool(re.fullmatch("".join(_pattern(line) for line in shown), "".join(f"{line}\n" for line in printed)))


def _pattern(line: str) -> str:
    if line.strip() == _ANY:
        return r"(?:.*\n)*"
    return ".*".join(map(re.escape, line.rstrip().split(_ANY))) + r"[ ]*\n"
