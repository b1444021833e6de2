"""Waiting for something to become true, with an end to the patience.

No test sleeps and hopes. Each wait names what it waits for, so that a failure reads as a sentence.
"""

from __future__ import annotations

import time
from typing import Callable, TypeVar

PATIENCE_S = 120.0
"""Generous on purpose: it bounds a failing test and says nothing about how fast lastout is."""

_POLL_S = 0.01

T = TypeVar("T")


class DeadlineExceeded(AssertionError):
    """The thing waited for did not happen in time."""


def wait_until(what: str, probe: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
    """Call probe until it returns something true, and return that."""
    end = time.monotonic() + patience_s
    while not (result := probe()):
        if time.monotonic() > end:
            raise DeadlineExceeded(f"waited {patience_s:.0f} s for {what}")
        time.sleep(_POLL_S)
    return result
