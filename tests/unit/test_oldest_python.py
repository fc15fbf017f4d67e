"""The oldest Python that repoprio supports loads all of it."""

from __future__ import annotations

import json
import subprocess
import sysconfig

from support.older_python import older_python
from support.paths import SOURCE

# The third-party packages are those of the Python that runs the tests; an older one cannot load all of them.
LOAD_ALL = """
import importlib, json, pathlib, sys, traceback
src, packages = sys.argv[1:]
sys.path[:0], sys.path[len(sys.path):] = [src], [packages]
faults, loaded = {}, []
for file in sorted(pathlib.Path(src, "repoprio").rglob("[a-z]*.py")):
    name = ".".join(file.relative_to(src).with_suffix("").parts)
    try:
        importlib.import_module(name)
        loaded.append(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("repoprio"):
            faults[name] = repr(error)
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
        if "site-packages" not in frames[-1].filename:
            faults[name] = f"{error!r} at {frames[-1]}"
print(json.dumps([faults, loaded]))
"""


def test_every_module_loads() -> None:
    """No module of repoprio, the gateway's included, has what only a newer Python can load."""
    command = [older_python(), "-IB", "-c", LOAD_ALL, str(SOURCE), sysconfig.get_path("purelib")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    faults, loaded = json.loads(done.stdout)
    assert faults == {}
    assert {"repoprio.cli.main", "repoprio.serve.transport.validators"} <= set(loaded)
