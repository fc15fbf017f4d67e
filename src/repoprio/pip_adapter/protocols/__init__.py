"""Types for the parts of pip that repoprio uses; pip itself has no public types.

Only for type checkers: import it under `TYPE_CHECKING`. It has only members that exist in all pips from 22.0.2 to 26.3;
`tests/pip/test_protocols.py` checks real pips. Other members are accessed by `hasattr` or `getattr`.
"""
