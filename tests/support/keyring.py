"""A keyring in an environment, for pip to import."""

from __future__ import annotations

from pathlib import Path

from .pips import PipEnv


def add_keyring(env: PipEnv, user: str, password: str, *, noted: Path | None = None) -> None:
    """Make keyring know one login for every service; each query is recorded as a line "asked"."""
    note = f"    open({str(noted)!r}, 'a').write('asked\\n')\n" if noted else ""
    login = {"username": user, "password": password}
    (env.site_packages / "keyring.py").write_text(
        f"def get_credential(service, user):\n{note}    return type('Found', (), {login!r})\n"
        "def get_password(service, user):\n    return None\n",
        encoding="utf-8",
    )
