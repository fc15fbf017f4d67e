"""Runs the tests with a Python of another Debian, in a root that debootstrap made, and leaves nothing there.

    python tests/in_root.py ROOT PYTHON [PYTEST'S ARGUMENTS]

It needs root's rights and chroot. ROOT has PYTHON with its venv module, for example:

    debootstrap --include=ca-certificates,git,python3.15,python3.15-venv sid /srv/sid
    python tests/in_root.py /srv/sid python3.15 -m "not full" tests/unit tests/pip/test_cases_pip.py

pip's settings of this machine hold there, too, so that it finds the packages that the tests need.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from support.paths import ROOT as CHECKOUT
from support.roots import Root

# What a machine needs for its network: names, certificates and pip's own settings.
_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")


def main(arguments: Sequence[str]) -> int:
    """Run them; pytest's exit status, 2 for wrong use."""
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    lower, python, *given = arguments
    with TemporaryDirectory() as folder:
        root = Root(Path(lower), Path(folder))
        try:
            _copy(root)
            return _run(root, python, given)
        finally:
            root.close()


def _copy(root: Root) -> None:
    """The checkout, without what git does not know, and what the network needs."""
    known = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True).stdout
    files = Path(root.path.parent, "files.tar")
    subprocess.run(["tar", "--null", "-T", "-", "-cf", files], cwd=CHECKOUT, input=known, check=True)
    script = f"mkdir {root.path}/project && tar -xf {files} -C {root.path}/project"
    script += "".join(f" && {{ [ ! -e {file} ] || cp -L {file} {root.path}{file}; }}" for file in _NETWORK)
    done = root.outside("sh", "-c", script)
    assert done.code == 0, done.stderr


def _run(root: Root, python: str, given: Sequence[str]) -> int:
    settings = [f"{name}={text}" for name, text in os.environ.items() if name.startswith("PIP_")]
    script = (
        f"cd /project && {python} -m venv /venv && . /venv/bin/activate && pip install --quiet '.[dev]' && "
        f"env -i PATH=$PATH HOME=$HOME python -m pytest -p no:cacheprovider {shlex.join(given)}"
    )
    return root.go("env", *settings, "sh", "-c", script)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
