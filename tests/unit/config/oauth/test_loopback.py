"""Who waits for a sign-in goes on when the browser has its page, and not before."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING
from urllib.request import urlopen

from sendmail_cli.config.oauth import loopback
from sendmail_cli.secret import Secret
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    import pytest

    from tests.unit.config.oauth.conftest import World


class Anything:
    """A sign-in to which every address is the answer."""

    def code(self, address: str) -> Secret:
        return Secret("code")


def test_the_page_comes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    was_over: list[bool] = []
    with loopback.listening() as listener:
        answer = loopback._Handler._answer

        def look(self: loopback._Handler, status: int, body: bytes) -> None:
            with socket.create_connection(("127.0.0.1", listener.port)):  # another browser wakes who waits
                was_over.append(is_over.wait(0.5))
            answer(self, status, body)

        monkeypatch.setattr(loopback._Handler, "_answer", look)
        pages: list[bytes] = []
        url = f"http://127.0.0.1:{listener.port}/?code=x"
        browser = threading.Thread(target=lambda: pages.append(urlopen(url, timeout=PATIENCE).read()))
        browser.start()
        code = listener.wait(Anything(), world, None, lambda: None)  # type: ignore[arg-type]
        is_over.set()
        browser.join()

    assert code.reveal() == "code"
    assert was_over == [False]
    assert loopback.GOOD[0].encode() in pages[0]
