"""Measures `repoprio serve` beside other servers: ``python -m benchmarks.gateway``."""
