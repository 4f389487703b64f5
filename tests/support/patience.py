"""How long a test waits for what must come: it costs nothing while all is well, and a busy machine is no fault."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0  # seconds; nothing here takes nearly as long


def wait_until(
    is_so: Callable[[], object], explain: Callable[[], object] = lambda: "it never came", *, within: float = PATIENCE
) -> None:
    """Look until it is so; an error with the explanation after so many seconds."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)
