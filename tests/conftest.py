"""Fixtures for all tests: real pips and real repositories; and how hypothesis looks for examples."""

import gc
import signal

import pytest
from hypothesis import HealthCheck, settings

from repoprio import shell, urls
from repoprio.policy import locations

pytest_plugins = [
    "support.scratch",
    "support.fixtures",
    "support.scene",
    "support.audits",
    "support.doctors",
    "support.session",
    "support.fault_world",
    "support.thinning",
]

# The speed of a machine and the number of unusable examples say nothing about the code; `support.premise` counts how
# often the premise of a law held.
settings.register_profile(
    "repoprio",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
settings.load_profile("repoprio")

# The pure modules decide as on Linux; what they do on Windows is tested in `unit/test_platforms.py`.
for module in (shell, urls, locations):
    vars(module)["_IS_WINDOWS"] = False

# What a shell starts in the background ignores Ctrl-C, with all that it starts: tests of Ctrl-C would never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Collect no garbage meanwhile: thousands of tests are made, and stay."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave the tests alone whenever garbage is collected."""
    gc.freeze()
    gc.enable()
