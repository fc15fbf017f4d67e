"""Parses pages in HTML (PEP 503, 592, 629, 658, 714, 740, 792), each once. Pure."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

from repoprio.simple_api.hrefs import Base, hash_in
from repoprio.simple_api.model import File, Status

# A link in the form that most servers write, with its text and the end of the line. These are read fast; all others
# are left to html.parser, whose versions differ.
_VALUE = r'"([^"&<>]*(?:&(?:amp|lt|gt|quot|#39);[^"&<>]*)*)"'
_PLAIN_LINK = re.compile(
    rf"(?:<a((?:[ \n]+[a-z-]+={_VALUE})+)[ \n]*>(?:[^<]*</a>)?|<br ?/?>)[ \n]*(?:<br ?/?>[ \n]*)?", re.ASCII
)
_ATTRIBUTE = re.compile(rf"([a-z-]+)={_VALUE}", re.ASCII)

# A page is read in parts of this many characters, and no tag, comment or script may be longer than the second number:
# html.parser takes some hundred bytes of memory for each attribute, and reads what is not whole once more.
_PART, _LONGEST = 2**16, 2**18
# A start tag may be no longer than this, and of a link only these attributes are kept: a page may have millions.
_LONGEST_TAG = 2**15
_KEPT = frozenset(
    {
        "href",
        "data-core-metadata",
        "data-dist-info-metadata",
        "data-provenance",
        "data-requires-python",
        "data-yanked",
    }
)
_TOO_LONG = "a tag that is too long"

Attributes = list[tuple[str, "str | None"]]


class Page(HTMLParser):
    """The content of an HTML page; raises `ValueError` if it cannot be parsed.

    `api_version` is "1.0" if the page states none (PEP 629). `is_html`: it has at least one tag. `asks`: it has a form,
    like a login page. `has_end`: it has an end tag; `is_cut`: the document was begun, and has no end.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[dict[str, str | None]] = []
        self.base: str | None = None
        self.api_version = "1.0"
        self.is_html = False
        self.has_end = False
        self.asks = False
        self._is_begun = False
        self._moves = False
        self._status: str | None = None
        self._status_reason: str | None = None
        try:
            # No close(), as in pip: html.parser would search an unfinished rest again and again.
            for start in range(0, len(text), _PART):
                self.feed(text[start : start + _PART])
                if len(self.rawdata) > _LONGEST:
                    raise ValueError(_TOO_LONG)
        except AssertionError:
            # html.parser (3.10 to 3.13) raises this for a broken declaration such as "<![-".
            raise ValueError("broken HTML") from None

    @property
    def is_cut(self) -> bool:
        """Whether the document was begun, and its end is missing."""
        return self._is_begun and not self.has_end

    @property
    def is_empty(self) -> bool:
        """Whether the page is complete, and has no link."""
        return self.has_end and not self._moves and not self.links

    @property
    def status(self) -> Status | None:
        """The project's status (PEP 792)."""
        return None if self._status is None else Status(self._status, self._status_reason)

    def parse_starttag(self, i: int) -> int:
        """Read the tag at `i` and all plain links that follow it; returns the position of their end."""
        plain = _PLAIN_LINK.match(self.rawdata, i)
        if plain is None:
            return super().parse_starttag(i)
        self.is_html = True
        end = i
        while plain:
            if plain[1]:
                if len(plain[1]) > _LONGEST_TAG:
                    raise ValueError(_TOO_LONG)
                pairs = _ATTRIBUTE.findall(plain[1])
                self._note_link({k: unescape(value) if "&" in value else value for k, value in pairs if k in _KEPT})
            end = plain.end()
            plain = _PLAIN_LINK.match(self.rawdata, end)
        return end

    def check_for_whole_start_tag(self, i: int) -> int:
        """Refuse a tag that is too long before its attributes are read."""
        end = super().check_for_whole_start_tag(i)
        if (len(self.rawdata) if end < 0 else end) - i > _LONGEST_TAG:
            raise ValueError(_TOO_LONG)
        return end

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        """Note links, and what the page states about itself."""
        self.is_html = True
        if tag == "a":
            # If an attribute comes twice, the last one counts, as in pip.
            self._note_link({key: value for key, value in attrs if key in _KEPT})
        elif tag == "base":
            if self.base is None:
                self.base = next((value for key, value in attrs if key == "href"), None)
        elif tag == "meta":
            self._note_meta(dict(attrs))
        elif tag in ("form", "input"):
            self.asks = True
        elif tag == "html":
            self._is_begun = True
        # A page with a script, or that leads elsewhere, may be a login page too.
        elif tag == "script":
            self._moves = True

    def _note_link(self, attributes: dict[str, str | None]) -> None:
        if attributes.get("href"):
            self.links.append(attributes)

    def _note_meta(self, attributes: dict[str, str | None]) -> None:
        self._moves = self._moves or "refresh" in (attributes.get("http-equiv") or "").lower()
        name, content = attributes.get("name"), attributes.get("content")
        if name == "pypi:repository-version":
            self.api_version = content or "?"
        elif name == "pypi:project-status":
            self._status = content
        elif name == "pypi:project-status-reason":
            self._status_reason = content

    def handle_decl(self, decl: str) -> None:  # noqa: ARG002 - html.parser's own signature
        """Note a doctype."""
        self.is_html = True

    def handle_endtag(self, tag: str) -> None:
        """Note the end of the document."""
        if tag == "html":
            self.has_end = True

    def updatepos(self, i: int, j: int) -> int:  # noqa: ARG002 - html.parser's own signature
        """Count no lines: nothing uses them, and counting takes a tenth of the time."""
        return j

    def files(self, url: str) -> tuple[File, ...]:
        """The files that the page links to; `url` is the page's own. Raises `ValueError` if a link is not a URL."""
        base = Base(self.base or url)
        return tuple(_file(link, base, url) for link in self.links)


def _file(link: dict[str, str | None], base: Base, page_url: str) -> File:
    get = link.get
    url, filename = base.target(link["href"] or "")
    metadata = get("data-core-metadata")
    if metadata is None:
        metadata = get("data-dist-info-metadata")
    return File(
        filename,
        url,
        hash_in(url),
        get("data-requires-python") or None,
        # pip ignores the attribute if it has no value, and so does this.
        get("data-yanked"),
        None if metadata is None else _hashes(metadata),
        provenance=get("data-provenance") or None,
        listed_on=page_url,
    )


def _hashes(metadata: str) -> dict[str, str]:
    """The hash of a metadata file, by its algorithm; empty if the page states only that the file exists."""
    algorithm, is_hash, digest = metadata.partition("=")
    return {algorithm: digest} if is_hash else {}
