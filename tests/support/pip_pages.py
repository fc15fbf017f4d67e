"""Parses pages with the pip of an environment, one line of JSON for each; run by that environment's Python.

In: {"body" (base64), "type", "url"}. Out: {"files": what pip's links say} or {"error": the name of what was raised}.
Everything that is not None is known to this pip.
"""

from __future__ import annotations

import base64
import json
import sys
import warnings
from email.message import Message
from typing import Any

from pip._internal.index import collector  # noqa: TID251 - it is pip that is asked here

KNOWS_JSON = hasattr(collector, "IndexContent")


def links_of(body: bytes, content_type: str, url: str) -> list[Any]:
    """The links on a page, by pip's own parser."""
    message = Message()
    message["content-type"] = content_type
    charset = message.get_param("charset")
    encoding = str(charset) if charset else None
    if KNOWS_JSON:
        page = collector.IndexContent(body, content_type, encoding, url, cache_link_parsing=False)
        return list(collector.parse_links(page))
    page = collector.HTMLPage(body, encoding, url, cache_link_parsing=False)
    return list(collector.parse_links(page, use_deprecated_html5lib=False))


def facts(link: Any) -> dict[str, Any]:
    """The facts in one of pip's links."""
    stated = getattr(link, "_hashes", None)
    metadata = getattr(link, "metadata_file_data", None)
    moment = getattr(link, "upload_time", None)
    return {
        "filename": link.filename,
        "url": link.url,
        "hashes": ({link.hash_name: link.hash} if link.hash_name else {}) if stated is None else dict(stated),
        "requires_python": link.requires_python,
        "yanked": link.yanked_reason,
        "core_metadata": (metadata.hashes or {}) if metadata else None,
        "upload_time": moment.isoformat() if moment else None,
    }


def main() -> None:
    """Answer each line of stdin."""
    warnings.simplefilter("ignore")
    known = {"core_metadata": hasattr(collector.Link, "metadata_file_data"), "upload_time": False}
    known["upload_time"] = "upload_time" in getattr(collector.Link, "__slots__", ())
    for line in sys.stdin:
        case = json.loads(line)
        try:
            files = [facts(link) for link in links_of(base64.b64decode(case["body"]), case["type"], case["url"])]
            kept = [{key: value for key, value in file.items() if known.get(key, True)} for file in files]
            answer: dict[str, Any] = {"files": kept}
        except Exception as error:  # noqa: BLE001 - a page may cause any error
            answer = {"error": type(error).__name__}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
