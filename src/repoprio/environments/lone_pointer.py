"""The behaviour of a pointer whose repoprio is gone: it says how to remove itself, and stops lookups of projects.

`repoprio enable` puts this file next to the pointer, which loads it only if needed.
"""

import sys

BEGIN = "# >>> repoprio: added by `repoprio enable --base`, removed by `repoprio disable --base`"
END = "# <<< repoprio"
# Marks that the file had no newline at its end, so that its removal restores that.
JOINED = " (after a line without an end)"
# Modules already warned about: `python -m` looks for its module twice.
WARNED: list[str] = []


def stop_without_root(name: str, root: str, pointer: str, custom: str) -> None:
    """Stop a pip that may look up projects, since the root is gone: without a policy it would trust any index."""
    if not name.startswith("pip."):
        # Other programs may import venv and make nothing.
        if not WARNED and (name != "venv" or {"venv", "-mvenv"} & set(sys.orig_argv[1:])):
            WARNED.append(name)
            does = "looks up no projects" if custom else "is not guarded"
            sys.stderr.write(f"WARNING: {_loss(root, pointer, custom, f'pip in the new environment {does}')}\n")
    elif not is_ensurepip():
        message = _loss(root, pointer, custom)
        # If another `.pth` file has imported pip, any program may be about to run, and not only pip.
        if "pip._internal" not in sys.modules and not _is_harmless():
            sys.stderr.write(f"ERROR: {message}\n")
            raise SystemExit(2)
        _shut(message)


def _loss(root: str, pointer: str, custom: str, effect: str = "this pip looks up no projects") -> str:
    command = _quoted([sys.executable, pointer, "remove"])
    enable = _quoted(["repoprio", "enable", *_place(custom)])
    return (
        f"repoprio: {effect}. To remove the pointer that guarded it: {command}\n"
        f"  {root}, where repoprio was installed, is gone.\n"
        f"  hint: or install repoprio again, then run: {enable}    [pointer]"
    )


def _quoted(words: list[str]) -> str:
    """A command to be pasted, as in `repoprio.shell`, which is gone."""
    if sys.platform == "win32":
        from subprocess import list2cmdline

        return list2cmdline(words)
    from shlex import join

    return join(words)


def _place(custom: str) -> list[str]:
    """The options of `repoprio enable` for the pointer's environment; for a base, which has `custom`, it is --base."""
    import os

    if custom:
        return ["--base"]
    is_venv = os.path.exists(os.path.join(sys.prefix, "pyvenv.cfg"))
    return ["--venv", sys.prefix] if is_venv else ["--python", sys.executable]


def is_ensurepip() -> bool:
    """Whether this is the pip with which `ensurepip` installs Python's bundled packages.

    It runs from a wheel and takes files only from that wheel's folder (CPython 3.10 to 3.14), with exactly these
    arguments, no variables of pip, and no file of settings.
    """
    import os

    pip = sys.modules.get("pip")
    wheel = os.path.dirname(os.path.dirname(getattr(pip, "__file__", None) or ""))
    start = ["install", "--no-cache-dir", "--no-index", "--find-links", os.path.dirname(wheel)]
    rest = [argument for argument in sys.argv[6:] if argument not in ("--upgrade", "--user", "-v", "-vv", "-vvv")]
    if rest[:1] == ["--root"]:
        rest = rest[2:]
    settings = {name for name in os.environ if name.startswith("PIP_")}
    return (
        wheel.endswith(".whl")
        and sys.argv[1:6] == start
        and set(rest) <= {"pip", "setuptools", "wheel"}
        and settings == {"PIP_CONFIG_FILE"}
        and os.environ["PIP_CONFIG_FILE"] == os.devnull
    )


def _is_harmless() -> bool:
    """Whether this is pip's own command line (22.0 to 26.3) with a command that looks up no projects, or without one.

    Options that are not known to take a value count as flags; if that is wrong, `_shut` still prevents lookups.
    """
    import os

    folder, name = os.path.split(sys.argv[0])
    is_pip = name.startswith("pip") or name == "__pip-runner__.py"
    if not is_pip and (os.path.basename(folder), name) != ("pip", "__main__.py"):
        return False
    valued = "cache-dir cert client-cert default-timeout exists-action keyring-provider local-log log log-file proxy"
    valued += " python resume-retries retries timeout trusted-host use-deprecated use-feature"
    harmless = "cache check completion config debug freeze hash help inspect list show uninstall"
    words = iter(sys.argv[1:])
    for word in words:
        if word.startswith("--") and word[2:] in valued.split():
            next(words, None)
        elif not word.startswith("-"):
            return word in harmless.split()
    return True


def _shut(message: str) -> None:
    """Make every lookup of projects fail, such as that of `list --outdated`."""
    import importlib.util

    def refuse(*_: object, **__: object) -> None:
        from pip._internal.exceptions import CommandError  # noqa: TID251 - it runs inside a pip

        raise CommandError(message)

    def disable(module) -> None:  # type: ignore[no-untyped-def]
        module.LinkCollector.create = module.LinkCollector.collect_sources = refuse

    collector = "pip._internal.index.collector"

    class Shut:
        """Finds pip's collector, and has its loader disable it."""

        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            if name != collector:
                return None
            sys.meta_path.remove(Shut)  # type: ignore[arg-type]
            spec = importlib.util.find_spec(name)
            if spec is not None:
                spec.loader = Loader(spec.loader)  # type: ignore[assignment]
            return spec

    class Loader:
        """Runs the module's own loader, then disables the collector."""

        def __init__(self, loader) -> None:  # type: ignore[no-untyped-def]
            self._loader = loader

        def create_module(self, spec) -> object:  # type: ignore[no-untyped-def]
            return self._loader.create_module(spec)

        def exec_module(self, module) -> None:  # type: ignore[no-untyped-def]
            self._loader.exec_module(module)
            disable(module)

    if collector in sys.modules:
        disable(sys.modules[collector])
    else:
        sys.meta_path.insert(0, Shut)  # type: ignore[arg-type]


def without_block(text: str) -> str:
    """A sitecustomize without what `enable --base` appended; raises `ValueError` if the end mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    if not begin:
        return text
    _, end, after = rest.partition(f"{END}\n")
    if not end:
        raise ValueError("the end of repoprio's block is gone: remove the block by hand")
    if rest.startswith(JOINED) and not after:
        before = before.removesuffix("\n")
    return before + after


def take_out(folder: str, custom: str) -> list[str]:
    """Remove a pointer from `folder`, and the code that loads it; returns what was removed.

    Raises `OSError` and `ValueError`.
    """
    import contextlib
    import os
    import shutil

    removed = []
    if custom and os.path.isfile(custom):
        # Keep the line ends, since the text is written back.
        with open(custom, encoding="utf-8", newline="") as opened:
            text = opened.read()
        rest = without_block(text)
        if rest != text:
            removed.append(custom)
        if rest and rest != text:
            draft = f"{custom}.{os.getpid()}"
            with open(draft, "x", encoding="utf-8", newline="") as opened:
                opened.write(rest)
            shutil.copymode(custom, draft)
            os.replace(draft, custom)
        elif not rest and text:
            os.remove(custom)
    cache = os.path.join(folder, "__pycache__")
    names = os.listdir(cache) if os.path.isdir(cache) else []
    compiled = [os.path.join(cache, name) for name in names if name.startswith("_repoprio_pointer")]
    # Remove what loads the pointer first.
    places = [os.path.join(folder, f"_repoprio_pointer{end}") for end in (".pth", ".py", "_alone.py")]
    removed += [place for place in places if os.path.lexists(place)]
    for place in [*places, *compiled]:
        if os.path.lexists(place):
            os.remove(place)
    if compiled:
        with contextlib.suppress(OSError):
            os.rmdir(cache)
    return removed


def main(arguments: list[str], pointer: str, custom: str) -> int:
    import os

    if arguments != ["remove"]:
        sys.stderr.write(f"usage: python {pointer} remove\n")
        return 2
    try:
        for place in take_out(os.path.dirname(os.path.abspath(pointer)), custom):
            sys.stdout.write(f"removed {'the hook from ' if os.path.lexists(place) else ''}{place}\n")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"ERROR: repoprio: cannot be removed: {error}    [pointer]\n")
        return 2
    return 0
