"""The gateway's fault matrix, and the page of the manual that shows it."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from support import gateway_matrix, gateway_table
from support.paths import DOCS, ROOT


def test_the_page_is_made_from_the_rows() -> None:
    """After a change of a row, make the page again.

    Python tests/support/gateway_table.py > docs/compatibility/gateway.md.
    """
    assert (DOCS / "compatibility" / "gateway.md").read_text(encoding="utf-8") == gateway_table.page() + "\n"


@pytest.mark.parametrize("block", ["PAGES", "FILES", "CONTENTS", "REQUESTS", "STATES"])
def test_each_row_has_a_unique_name_and_a_reason(block: str) -> None:
    """A failing case then names its row."""
    rows = getattr(gateway_matrix, block)
    assert [name for name, count in Counter(row.id for row in rows).items() if count > 1] == []
    assert all(row.why for row in rows)


def test_each_row_of_the_state_names_a_test() -> None:
    """The row of a renamed test must be renamed too."""
    for row in gateway_matrix.STATES:
        file, _, name = row.test.partition("::")
        tree = ast.parse((ROOT / "tests" / "gateway" / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, row.test
