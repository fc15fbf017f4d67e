"""Put here by `repoprio enable`: it guards this environment's pip with the repoprio at ROOT."""

import sys

ROOT = ""
# What makes environments, which shall be guarded as well.
MAKERS = ("venv", "virtualenv.run.session")


class Pointer:
    """A finder on ``sys.meta_path`` that waits for pip and finds nothing; every Python start loads it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> object:
        if not name.startswith("pip._internal") and name not in MAKERS:
            return None
        sys.meta_path.remove(Pointer)  # type: ignore[arg-type]
        if "_repoprio_shim" in sys.modules:
            return None
        return lead(name, path, target)


def lead(name: str, path: object, target: object) -> object:
    import os
    from importlib.machinery import PathFinder

    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), ROOT)
    is_gone = not os.path.isfile(os.path.join(root, "_repoprio_shim.py"))
    if is_gone and name in MAKERS:
        install()
        return None
    if is_gone:
        # Silent for all other programs; pip unguarded would take any name from anywhere.
        said = f"ERROR: repoprio: {root} is gone, which guarded this pip.\n"
        hint = "  hint: install repoprio there again, or take this pointer out: remove"
        sys.stderr.write(f"{said}{hint} {os.path.abspath(__file__)}    [pointer]\n")
        raise SystemExit(2)

    class Shim:
        """Finds the shim at the root, which then finds the rest: no neighbour becomes importable."""

        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            return PathFinder.find_spec(name, [root]) if name == "_repoprio_shim" else None

    sys.meta_path.insert(0, Shim)  # type: ignore[arg-type]
    import _repoprio_shim

    _repoprio_shim.install()
    return _repoprio_shim.Watcher.find_spec(name, path, target)


def install() -> None:
    if Pointer not in sys.meta_path:  # type: ignore[comparison-overlap]
        sys.meta_path.insert(0, Pointer)  # type: ignore[arg-type]
