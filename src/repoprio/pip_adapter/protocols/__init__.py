"""The parts of pip that repoprio uses, as far as it uses them: pip has no types for others.

For type checkers alone: import it under `TYPE_CHECKING`. A member stands here only if pip 22.0.2 to 26.3 all have it;
`tests/pip/test_protocols.py` asks real pips. What only some pips have is asked for by `hasattr` or `getattr`.
"""
