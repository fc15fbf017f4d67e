"""Fixtures for all tests: real pips and real repositories."""

pytest_plugins = ["support.fixtures"]
