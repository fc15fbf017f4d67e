"""`repoprio doctor` tries each launcher on PATH separately, unless its text shows everything that it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.doctors import report
from support.fixtures import EnvFactory
from support.pips import PipEnv

PIP = "26.3"
_OF_UV = """#!{python}
# -*- coding: utf-8 -*-
import sys
from pip._internal.cli.main import main
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit(main())
"""
_OF_PIP = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys
from pip._internal.cli.main import main
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(main())
"""
_WITHOUT_HOOK = {
    "a shell script": '#!/bin/sh\nPYTHONPATH={packages} exec {python} -S -m pip "$@"\n',
    "options after 'exec'": _OF_PIP.replace('"$0"', '-S "$0"').replace(
        "import sys\n", "import sys\nsys.path.append('{packages}')\n"
    ),
    "a Python script": "#!{python}\nimport os, sys\nos.environ['PYTHONPATH'] = '{packages}'\n"
    "os.execv(sys.executable, [sys.executable, '-S', '-m', 'pip', *sys.argv[1:]])\n",
}


def _launcher(env: PipEnv, folder: Path, name: str, text: str) -> str:
    folder.mkdir(exist_ok=True)
    script = folder / name
    script.write_text(text.replace("{python}", str(env.python)).replace("{packages}", str(env.site_packages)))
    script.chmod(0o755)
    return str(script)


@pytest.mark.full
def test_launchers_that_take_the_hook_away(pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """A launcher without the hook is a separate failure, in any language."""
    env, folder = pip_env(PIP), tmp_path / "bin"
    names = dict(zip(_WITHOUT_HOOK, ("pip", "pip3", "pip3.9"), strict=True))
    scripts = [_launcher(env, folder, names[what], text) for what, text in _WITHOUT_HOOK.items()]
    code, found = report(env, policy, path=str(folder))
    rows = {one["launcher"]: one for one in found["environments"] if one["launcher"] in (None, *scripts)}
    assert (code, rows[None]["state"], rows[None]["launchers"]) == (1, "guarded", [])
    assert [rows[script]["took"] for script in scripts] == ["99.0"] * 3
    assert all(not rows[script]["guarded"] and rows[script]["fix"] for script in scripts)


@pytest.mark.full
def test_a_launcher_that_obeys_joins_its_pip(pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """Console scripts of pip need no trial; another launcher that obeys in its trial joins the same pip."""
    env, folder = pip_env(PIP), tmp_path / "bin"
    scripts = [
        _launcher(env, folder, "pip", _OF_UV),
        _launcher(env, folder, "pip3", _OF_PIP),
        _launcher(env, folder, "pip3.9", '#!/bin/sh\nexec {python} -m pip "$@"\n'),
    ]
    code, found = report(env, policy, path=str(folder))
    (row,) = found["environments"]
    assert (code, row["state"], row["launchers"]) == (0, "guarded", scripts)
    tried = [command[0] for command in row["ran"] if command[1:] == ["download", "acme"]]
    assert tried == [scripts[2]]
