"""Put here by `repoprio enable`: makes this environment's pip obey the policy, with the repoprio at ROOT.

To remove it: python _repoprio_pointer.py remove
"""

import sys

ROOT = ""
# The record: policy files that a pip would not find by itself here, each with its layer; whether a policy is required.
RECORD: dict[str, object] = {}
# The sitecustomize of a base interpreter that loads this file.
CUSTOM = ""
# Modules that make environments, which get the hook too.
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


def install() -> None:
    if Pointer not in sys.meta_path:  # type: ignore[comparison-overlap]
        sys.meta_path.insert(0, Pointer)  # type: ignore[arg-type]
        # Another `.pth` file may have imported pip: then the shim patches that one at once.
        if "pip._internal" in sys.modules:
            Pointer.find_spec("pip._internal")


def lead(name: str, path: object, target: object) -> object:
    import os
    from importlib.machinery import PathFinder

    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), ROOT)
    if not os.path.isfile(os.path.join(root, "_repoprio_shim.py")):
        if name in MAKERS:
            install()
        alone().stop_without_root(name, root, __file__, CUSTOM)  # type: ignore[no-untyped-call]
        return None

    class Shim:
        """Finds only the shim at the root, which then finds repoprio, so that no other module there is importable."""

        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            return PathFinder.find_spec(name, [root]) if name == "_repoprio_shim" else None

    sys.meta_path.insert(0, Shim)  # type: ignore[arg-type]
    import _repoprio_shim

    _repoprio_shim.install()
    return _repoprio_shim.Watcher.find_spec(name, path, target)


def alone():  # type: ignore[no-untyped-def]
    """The module next to this file that is needed if the root is gone; not loaded otherwise."""
    import os
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    name = "_repoprio_pointer_alone"
    if name in sys.modules:
        return sys.modules[name]
    file = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = spec_from_loader(name, SourceFileLoader(name, file))
    module = module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    sys.modules[name] = module
    return module


if __name__ == "__main__":
    raise SystemExit(alone().main(sys.argv[1:], __file__, CUSTOM))  # type: ignore[no-untyped-call]
