"""Puts lists of words and counts into a sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def join_words(words: Sequence[object], joint: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    texts = [str(word) for word in words]
    return f" {joint} ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def count_of(number: int, word: str) -> str:
    """``1 file``, ``1,200 files``; for words whose plural only adds an s."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
