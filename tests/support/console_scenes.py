"""The scenes in which the console blocks of README and manual are run: repositories, files and variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from .faults import Fault
from .fixtures import EnvFactory
from .gate import Gate
from .repository import RepositoryServer

HOME: Final = "/home/jo"
_PIP: Final = "26.3"
_POLICY: Final = """
help = "go/pip-help"

[repositories.corp]
url = "https://pypi.corp.example/simple/"
priority = 10
owns = ["acme-*", "acme"]

[repositories.pypi]
url = "pypi"
priority = 90
"""
# The same without a word on names.
_BY_PRIORITY: Final = _POLICY.replace('owns = ["acme-*", "acme"]\n', "").replace('help = "go/pip-help"\n', "")
_ONLY_A_PATTERN: Final = _POLICY.replace('"acme-*", "acme"', '"acme-*"')
_TEAM: Final = """
[repositories.team]
url = "https://team.corp.example/simple/"
priority = 50
"""
_LOCK: Final = """\
lock-version = "1.0"
created-by = "somebody"

[[packages]]
name = "acme"
version = "1.1"
[[packages.wheels]]
name = "acme-1.1-py3-none-any.whl"
url = "https://elsewhere.example/acme-1.1-py3-none-any.whl"
hashes = {sha256 = "%s"}
""" % ("0" * 64)
# What differs from machine to machine, as the manual writes it: times, versions, pip's own retries and default index.
_OF_THE_MACHINE: Final = (
    (r"\d+ ms\b", "9 ms"),
    (r"\(Python 3\.\d+\.\d+\w*,", "(Python 3.11.7,"),
    (r"in \d+ distributions", "in 42 distributions"),
    (r"^((?:\x1b\[\d*m)*  base   )\S+", r"\1/usr/bin/python3.11"),
    (r"503, \d+ tries", "503, 6 tries"),
    (r"Run as \w+ \(uid \d+\)", "Run as jo (uid 1000)"),
    (r"(Looking in indexes: https://)[^/]+(/simple, )", r"\1pypi.example\2"),
)


class Stage:
    """The place of a scene: an environment whose commands are on PATH, and an empty folder."""

    def __init__(self, find: EnvFactory, root: Path, stack: ExitStack) -> None:
        """Make the folder; what a scene starts is closed with the stack."""
        self.env, self.find, self.stack = find(_PIP), find, stack
        self._places = {str(root / "jo"): HOME, str(self.env.root): f"{HOME}/app/.venv"}
        self.folder = root / "jo"
        self.folder.mkdir()
        self.servers: dict[str, RepositoryServer] = {}
        given = self.env.environment()
        self.variables = {
            **given,
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / ".config"),
            "PATH": f"{self.env.python.parent}:{given['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "80",
            # What is installed changes nothing that other tests share.
            "PIP_TARGET": str(root / "installed"),
            "PWD": str(self.folder),
        }
        del self.variables["PIP_CONFIG_FILE"]

    def serve(self, **repositories: Mapping[str, tuple[object, ...]]) -> None:
        """Serve projects: `corp` and `team` by https below corp.example, and `pypi` as every other host."""
        servers = self.servers
        for name, projects in repositories.items():
            servers[name] = self.stack.enter_context(RepositoryServer("any", layout="html"))
            for project, files in projects.items():
                servers[name].add(project, *files)  # type: ignore[arg-type] # as the repository takes them
        hosts = {"pypi.corp.example": servers["corp"]}
        if "team" in servers:
            hosts["team.corp.example"] = servers["team"]
        gate = self.stack.enter_context(Gate(self.folder.parent, hosts, servers["pypi"]))
        self.variables |= {"PIP_PROXY": gate.url, "PIP_CERT": str(gate.ca)}

    def policy(self, text: str = _POLICY) -> None:
        """Write a policy, in force by its name."""
        (self.folder / "repoprio.toml").write_text(text, encoding="utf-8")
        self.variables["REPOPRIO_CONFIG"] = "repoprio.toml"

    def stock(self) -> Path:
        """Another environment, without a hook."""
        root = self.find(_PIP, stock=True).root
        self._places[str(root)] = f"{HOME}/old"
        return root

    def anonymous(self, line: str) -> str:
        """A line with the machine's paths as the manual writes them."""
        for place, shown in self._places.items():
            line = line.replace(place, shown)
        for pattern, text in _OF_THE_MACHINE:
            line = re.sub(pattern, text, line)
        return line


def nothing(stage: Stage) -> None:
    """An empty folder, and no policy."""


def corp(stage: Stage) -> None:
    """Corp above PyPI, a policy with both, and names of all kinds."""
    ledger = {"version": "1.2", "requires-python": ">=3.99"}
    stage.serve(
        corp={"ledger": (ledger, "1.1", "1.0"), "acme": ("1.1", "1.0")},
        pypi={"ledger": ("99.0", "98.0"), "acme": ("99.0",), "requests": ("2.32.0",), "acme-new": ("9.0",)},
    )
    stage.policy()


def newcomer(stage: Stage) -> None:
    """The same repositories, without a policy yet."""
    corp(stage)
    (stage.folder / "repoprio.toml").unlink()
    del stage.variables["REPOPRIO_CONFIG"]


def starting(stage: Stage) -> None:
    """An empty folder in which a policy is wanted."""


def configured(stage: Stage) -> None:
    """A pip with an index from its user's file and a folder from a variable."""
    folder = stage.folder / ".config" / "pip"
    folder.mkdir(parents=True)
    (folder / "pip.conf").write_text("[global]\nindex-url = https://pypi.corp.example/simple/\n", encoding="utf-8")
    stage.variables["PIP_FIND_LINKS"] = "/srv/wheelhouse"


def broken(stage: Stage) -> None:
    """A policy with two errors."""
    stage.policy(_POLICY.replace("priority = 10", "priority = 0").replace("priority = 90", "priority = 90\nprio = 90"))


def observed(stage: Stage) -> None:
    """A policy that only observes."""
    stage.serve(
        corp={"billing": ({"version": "3.1", "requires": ["acme", "jinja2"]},), "acme": ("1.1", "1.0")},
        pypi={"acme": ("99.0",), "jinja2": ("3.1.6",)},
    )
    stage.policy(f'mode = "observe"\n{_POLICY}')


def audited(stage: Stage) -> None:
    """An environment with a stranger's acme, and a lock with an acme that nobody has."""
    others = {name: (version,) for name, version in stage.env.installed.items()}
    stage.serve(corp={"acme": ("1.1", "1.0")}, pypi={"acme": ("99.0",), "idna": ("3.10",), **others})
    stage.policy(_BY_PRIORITY)
    info = stage.folder.parent / "site" / "acme-99.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 99.0\n", encoding="utf-8")
    stage.variables["PYTHONPATH"] = str(info.parent)
    (stage.folder / "pylock.toml").write_text(_LOCK, encoding="utf-8")


def listed(stage: Stage) -> None:
    """Two repositories whose project lists share a name."""
    stage.serve(corp={"acme": ("1.1",), "ledger": ("1.1",)}, pypi={"acme": ("99.0",), "idna": ("3.10",)})
    stage.policy(_BY_PRIORITY)


def down(stage: Stage) -> None:
    """Corp answers each request for a page with an error."""
    corp(stage)
    stage.servers["corp"].answer_all(Fault(status=503))
    stage.variables["PIP_RETRIES"] = "1"


def rollout(stage: Stage) -> None:
    """A policy to check, of repositories without a common name."""
    stage.serve(corp={"acme": ("1.1",)}, pypi={"idna": ("3.10",)})
    stage.policy()


def doctored(stage: Stage) -> None:
    """Two environments, of which one has no hook, and no other pip on PATH."""
    corp(stage)
    (stage.folder / "old").symlink_to(stage.stock())
    stage.variables["PATH"] = str(stage.env.python.parent)


def exported(stage: Stage) -> None:
    """A policy for another installer."""
    stage.policy(_ONLY_A_PATTERN)


def compared(stage: Stage) -> None:
    """Three repositories with several kinds of common names."""
    evil = {"version": "99.0", "requires": ["evil-dep"]}
    old, new = ({"version": version, "requires": ["markupsafe"]} for version in ("3.1.4", "3.1.6"))
    stage.serve(
        corp={"acme": ("1.1", "1.0"), "acme-core": ("1.0",)},
        team={"jinja2": (old,), "idna": ("3.10",), "lxml": ("5.3",)},
        pypi={
            "acme": (evil,),
            "evil-dep": ("6.6",),
            "jinja2": (new, old),
            "markupsafe": ("3.0",),
            "idna": ("3.10",),
            "lxml": ("6.0.2", "5.3"),
            "oldlib": ("1.0 sdist",),
        },
    )
    stage.policy(_ONLY_A_PATTERN + _TEAM)


SCENES: Mapping[str, Callable[[Stage], None]] = {
    scene.__name__: scene
    for scene in (
        *(nothing, corp, newcomer, starting, configured, broken, observed, audited, listed, compared, down, rollout),
        *(exported, doctored),
    )
}
