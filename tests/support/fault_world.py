"""Worlds in which one repository does something else instead of answering: the faults of `cases/faults/faults.toml`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from . import wire
from .files import build, parse
from .paths import DATA
from .repository import RepositoryServer
from .scene import repository_table
from .wire import WireFault, WireServer

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FAULTS = wire.load_faults(tomllib.loads((DATA / "faults" / "faults.toml").read_text(encoding="utf-8")))
POSITIONS = ("top", "middle", "tied")
SECRET = "s3cr3t-t0k3n"
BOUNDS = ("--retries", "0", "--timeout", "1", "--trusted-host", "no-such-host.invalid")


class World:
    """corp, which will fail, with `first` above it or `twin` beside it, public below, and a site elsewhere."""

    def __init__(self, fault: WireFault, position: str, tls: dict[str, Any], folder: Path) -> None:
        self.fault, self.position, self.folder = fault, position, folder
        files = [build("acme", parse("1.0"), "corp")]
        self.corp = WireServer("acme", files, tls if fault.scheme == "https" else None)
        labels = ("first", "twin", "public", "elsewhere", "apps")
        self.others = {label: RepositoryServer(label) for label in labels}
        self.others["twin"].add("acme", "1.0")
        for label in ("public", "elsewhere"):
            self.others[label].add("acme", "99.0", {"version": "98.0", "sdist": True})
        self.others["apps"].add("apps-needs", {"version": "1.0", "requires": ["acme"]})
        self.others["apps"].add("apps-built", {"version": "1.0", "sdist": True, "build-requires": ["acme"]})
        self.corp.places = {label: self.others[label].root_url for label in ("public", "elsewhere")}
        self.policy = folder / "policy.toml"
        self.write_policy(self.corp.page_url)

    def write_policy(self, url: str) -> None:
        """The policy of this position, with corp at `url`."""
        scheme, _, rest = url.partition("://")
        above = {"middle": ("first", 5), "tied": ("twin", 10)}.get(self.position)
        tables = ["page-timeout = 2\npage-size-limit = 8388608\n"]
        tables += [repository_table("apps", self.others["apps"].page_url, 1, 'namespaces = ["apps-*"]')]
        tables += [repository_table(above[0], self.others[above[0]].page_url, above[1])] if above else []
        tables += [repository_table("corp", f"{scheme}://ada:{SECRET}@{rest}", 10)]
        tables += [repository_table("public", self.others["public"].page_url, 90)]
        self.policy.write_text("".join(tables))

    def break_corp(self) -> dict[str, str]:
        """From now on corp fails; returns the variables that belong to the fault."""
        self.corp.fault = self.fault
        if self.fault.how == "refused":
            self.corp.close()
        if self.fault.how == "dns":
            self.write_policy("http://no-such-host.invalid/simple/")
        return {"https_proxy": "http://127.0.0.1:9"} if self.fault.how == "proxy" else {}

    def asked_below(self) -> list[str]:
        """What public and the site elsewhere were asked of acme."""
        found = [path for label in ("public", "elsewhere") for path in self.others[label].requests]
        return [path for path in found if "acme" in path or "nothing" in path]

    def close(self) -> None:
        """Stop all servers."""
        self.corp.close()
        for server in self.others.values():
            server.close()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Good and broken TLS contexts, and the authority that pip must trust."""
    folder = tmp_path_factory.mktemp("tls")
    return wire.contexts(folder), folder / "ca.pem"
