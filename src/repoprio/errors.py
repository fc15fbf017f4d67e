"""The one root of repoprio's own exceptions."""

from __future__ import annotations


class RepoprioError(Exception):
    """Anything that repoprio itself refuses or reports; its text is ready for a person."""
