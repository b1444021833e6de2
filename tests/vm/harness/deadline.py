"""Waiting for something to become true, with a deadline that an emulated machine cannot miss."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

PATIENCE_S = 240.0
"""Bounds a failing test. It says nothing about how fast lastout is."""

T = TypeVar("T")


class DeadlineExceeded(AssertionError):
    """The thing waited for did not happen in time."""


def wait_until(what: str, probe: Callable[[], T], patience_s: float = PATIENCE_S, poll_s: float = 0.05) -> T:
    """Call probe until it returns something true, and return that."""
    end = time.monotonic() + patience_s
    while not (result := probe()):
        if time.monotonic() > end:
            raise DeadlineExceeded(f"waited {patience_s:.0f} s for {what}")
        time.sleep(poll_s)
    return result
