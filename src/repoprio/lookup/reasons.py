"""Why a repository is absent or unavailable, and why a file is no candidate: stable codes. Pure."""

from __future__ import annotations

import enum


class Cause(str, enum.Enum):
    """Why a repository is absent or unavailable for a name; details are in texts beside the code."""

    # Absent: the repository says so itself.
    STATUS = "status"
    EMPTY_PAGE = "empty-page"
    NO_FILE = "no-file"
    NO_FOLDER = "no-folder"
    NOT_LISTED = "not-listed"
    # Unavailable: there is no answer.
    UNSET = "unset-variable"
    INSECURE = "insecure"
    MISSING = "missing-place"
    EMPTY_ROOT = "empty-root"
    CONNECTION = "connection"
    TLS = "tls"
    TIME = "time"
    BUSY = "busy"
    PROXY = "proxy"
    # Unavailable because of the answer; REDIRECT may mean absent too. REDIRECT_INTO: into another repository's URL.
    LOGIN = "login"
    SERVER = "server-error"
    REDIRECT = "redirect"
    REDIRECT_INTO = "redirect-into"
    SIZE = "size"
    CUT_SHORT = "cut-short"
    NOT_A_PAGE = "not-a-page"
    BROKEN = "broken"
    API_VERSION = "api-version"
    OTHER_PROJECT = "other-project"
    SPELLING = "spelling"
    CANARY = "canary"


class Rejection(str, enum.Enum):
    """Why a file that its owner lists is not chosen."""

    TAG = "tag"
    REQUIRES_PYTHON = "requires-python"
    YANKED = "yanked"
    HASH = "hash"
    PRE_RELEASE = "pre-release"
    PIN = "pin"
    KEPT = "kept"
    SPECIFIER = "specifier"
    FORMAT = "format"
    LINK = "link"
    TWICE = "duplicate"
    OUTRANKED = "outranked"
    TOO_YOUNG = "too-young"
    NO_UPLOAD_TIME = "no-upload-time"
    OTHER = "other"


# A server or proxy refuses access: `skip-if-unavailable` never covers these.
REFUSED_LOGIN = frozenset({401, 403, 407})


def status_cause(code: int) -> Cause:
    """The cause that an HTTP status stands for, if it is no usable answer."""
    if code in (401, 403):
        return Cause.LOGIN
    if code == 407:
        return Cause.PROXY
    return Cause.SERVER if code >= 500 else Cause.STATUS
