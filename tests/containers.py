"""Lints container files, and runs the steps of one without a container engine, in a root such as debootstrap makes.

    python tests/containers.py lint FILE...
    python tests/containers.py run FILE --root DIR --context DIR [--arg NAME=VALUE...] [--without-packages]

`run` needs root and chroot. It does what FILE says in DIR, which stands for its base image: all stages share that root.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_KNOWN = frozenset(
    {"FROM", "ARG", "RUN", "COPY", "USER", "WORKDIR", "ENV", "LABEL", "CMD", "ENTRYPOINT", "EXPOSE", "VOLUME", "SHELL"}
)
# What must come with a command.
_NEEDS = (
    (r"\bapt-get install\b", "--no-install-recommends", "apt-get install without --no-install-recommends"),
    (r"\bapt-get install\b", "--yes", "apt-get install without --yes"),
    (r"\bapt-get install\b", "apt-get update", "apt-get install without apt-get update in the same layer"),
    (r"\bapt-get update\b", "rm -rf /var/lib/apt/lists/*", "the package lists of apt-get stay in the layer"),
    (r"\b(microdnf|dnf) install\b", "clean all", "the cache of dnf stays in the layer"),
    (r"\bapk add\b", "--no-cache", "apk add without --no-cache"),
    (r"\bpip3? install\b", "--no-cache-dir", "pip install without --no-cache-dir"),
    (r"\bsetup-image\b", "--policy", "setup-image without --policy"),
)
_PACKAGES = re.compile(r"(apt-get|microdnf|dnf|apk) ")


class Line(NamedTuple):
    """One instruction: its line number, its word and the rest, on one line."""

    number: int
    word: str
    rest: str


def parse(text: str) -> list[Line]:
    """The instructions; a line with a backslash at its end continues on the next one; comments are left out."""
    found: list[Line] = []
    parts: list[str] = []
    begin = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        begin = begin if parts else number
        parts.append(line.removesuffix("\\").rstrip())
        if not line.endswith("\\"):
            word, _, rest = " ".join(parts).partition(" ")
            found.append(Line(begin, word.upper(), rest.strip()))
            parts = []
    if parts:
        found.append(Line(begin, "", "the last line goes on"))
    return found


def problems(text: str) -> Iterator[str]:
    """What is wrong with a container file, each with its line."""
    lines = parse(text)
    yield from (f"{line.number}: {problem}" for line in lines for problem in _of_line(line))
    yield from _of_stages(lines)
    if not any(line.word == "RUN" and "repoprio setup-image" in line.rest for line in lines):
        yield "1: no step runs repoprio setup-image"
    last = max((at for at, line in enumerate(lines) if line.word == "FROM"), default=0)
    users = [line.rest for line in lines[last:] if line.word == "USER"]
    if not users or users[-1].split(":")[0] in ("root", "0"):
        yield f"{lines[-1].number if lines else 1}: the last stage runs as root"


def _of_line(line: Line) -> Iterator[str]:
    if line.word not in _KNOWN:
        yield f"{line.word or 'the end'}: not an instruction that is used here (COPY instead of ADD)"
    if line.word == "WORKDIR" and not line.rest.startswith(("/", "$")):
        yield "WORKDIR is relative"
    if line.word == "ENV" and "=" not in line.rest:
        yield "ENV without ="
    if re.search(r"(?i)\b(ARG|ENV)\b.*(password|token|secret)", f"{line.word} {line.rest}"):
        yield "a secret stays in the image"
    if line.word == "RUN":
        yield from (
            problem for begin, needs, problem in _NEEDS if re.search(begin, line.rest) and needs not in line.rest
        )
        if re.search(r"\bsudo\b", line.rest):
            yield "sudo: a build runs as root until USER"
        done = subprocess.run(["sh", "-n", "-c", line.rest], capture_output=True, text=True, check=False)
        if done.returncode:
            yield f"not a shell command: {done.stderr.strip()}"


def _of_stages(lines: Sequence[Line]) -> Iterator[str]:
    stages: list[str] = []
    if not lines or lines[0].word not in ("FROM", "ARG"):
        yield "1: begins with neither FROM nor ARG"
    for line in lines:
        if line.word == "FROM":
            yield from (f"{line.number}: {problem}" for problem in _of_image(line.rest, stages))
            if named := re.fullmatch(r"\S+ +(?i:AS) +(\S+)", line.rest):
                stages.append(named[1])
        elif line.word == "COPY" and (source := re.search(r"--from=(\S+)", line.rest)) and source[1] not in stages:
            yield f"{line.number}: there is no stage {source[1]} above"


def _of_image(rest: str, stages: Sequence[str]) -> Iterator[str]:
    image = rest.split(maxsplit=1)[0] if rest else ""
    name, _, tag = image.partition(":")
    if image in stages:
        return
    if not tag or tag == "latest":
        yield f"{image or 'FROM'}: name a version"
    if "/" in name and re.search(r"[.:]|^localhost$", name.split("/")[0]):
        yield f"{image}: names a registry's host"


class Root:
    """A root in which the steps of a container file run, with the variables and the user that they set."""

    def __init__(self, root: Path, context: Path, arguments: dict[str, str]) -> None:
        self.root, self.context, self.arguments = root, context, arguments
        self.environ = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        self.user, self.folder = "root", "/"
        self.given: dict[str, str] = {}

    def step(self, line: Line, *, packages: bool = True) -> int:
        """Do what one instruction says; returns its exit status."""
        if line.word == "FROM":
            self.user, self.folder, self.given = "root", "/", {}
        elif line.word == "ARG":
            name, _, default = line.rest.partition("=")
            self.given[name] = self.arguments.get(name, default)
        elif line.word == "ENV":
            self.environ |= dict(word.split("=", 1) for word in line.rest.split())
        elif line.word == "USER":
            self.user = line.rest
        elif line.word == "WORKDIR":
            self.folder = line.rest
        elif line.word == "COPY" and not line.rest.startswith("--from="):
            *sources, target = line.rest.split()
            for source in sources:
                place = self.root / target.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.context / source, place)
        elif line.word == "RUN" and (packages or not _PACKAGES.match(line.rest)):
            return self.run(line.rest)
        return 0

    def run(self, command: str) -> int:
        """Run a shell command there as the user of this step."""
        script = f"cd {self.folder} && {command}"
        start = ["chroot", f"--userspec={self.user}", str(self.root), "/bin/sh", "-c", script]
        home = {"HOME": "/root" if self.user == "root" else f"/home/{self.user}"}
        return subprocess.run(start, env={**self.environ, **home, **self.given}, check=False).returncode


def run(file: Path, root: Root, *, packages: bool) -> int:
    """Run all steps; the exit status of the first that fails, else 0."""
    for line in parse(file.read_text(encoding="utf-8")):
        print(f"{file.name}:{line.number}: {line.word} {line.rest}", flush=True)
        if status := root.step(line, packages=packages):
            return status
    return 0


def main(arguments: Sequence[str]) -> int:
    """Lint or run; 1 where something is wrong with a file, else the status of the first step that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("lint").add_argument("files", nargs="+", type=Path)
    runs = commands.add_parser("run")
    runs.add_argument("file", type=Path)
    runs.add_argument("--root", type=Path, required=True)
    runs.add_argument("--context", type=Path, required=True)
    runs.add_argument("--arg", action="append", default=[])
    runs.add_argument("--without-packages", action="store_true", help="the system's packages are there already")
    options = parser.parse_args(arguments)
    if options.command == "run":
        given = dict(one.split("=", 1) for one in options.arg)
        return run(options.file, Root(options.root, options.context, given), packages=not options.without_packages)
    found = [f"{os.fspath(file)}:{one}" for file in options.files for one in problems(file.read_text(encoding="utf-8"))]
    print("\n".join(found) or f"{len(options.files)} container files, no problems")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
