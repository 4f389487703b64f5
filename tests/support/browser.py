"""A browser of few words: it keeps cookies, fills in every form, and goes where it is sent. Run it with an address.

`BROWSER` can name it, and then it is what `sendmail-cli login` opens.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from collections.abc import Callable

USER = "alice@example.test"
MAX_PAGES = 30
COMMAND = f"{sys.executable} {Path(__file__).resolve()}"  # for BROWSER


class Forms(HTMLParser):
    """The forms of a page, with what they hold already."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag == "input" and self.forms and "name" in values:
            self.forms[-1][1][values["name"]] = values.get("value", "")


class _Stay(HTTPRedirectHandler):
    """Tells of redirects in place of following them."""

    def redirect_request(self, *arguments: object) -> None:
        return None


class Browser:
    """One person's."""

    def __init__(self, user: str = USER) -> None:
        self.user = user
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()), _Stay(), ProxyHandler({}))

    def sign_in(self, url: str, *, until: Callable[[str], bool] = lambda _: False) -> str:
        """Goes to `url` and on until there is nothing more to fill in, or it is sent where `until` says to stop.

        Gives that address, or the last page.
        """
        form: dict[str, str] | None = None
        for _ in range(MAX_PAGES):
            if until(url):
                return url
            status, where, page = self._open(url, form)
            form = None
            if where is not None and 300 <= status < 400:
                url = urljoin(url, where)
                continue
            forms = Forms()
            forms.feed(page)
            if not forms.forms or status >= 400:
                return page
            action, fields = forms.forms[0]
            url, form = urljoin(url, action), {name: self._fill(name, value) for name, value in fields.items()}
        raise RuntimeError(f"no end of pages: {url}")

    def _fill(self, name: str, value: str) -> str:
        return {"login": self.user, "password": "anything"}.get(name, value)

    def _open(self, url: str, form: dict[str, str] | None) -> tuple[int, str | None, str]:
        request = Request(url, None if form is None else urlencode(form).encode())  # noqa: S310 # to loopback
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, answer.headers["Location"], answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.headers["Location"], error.read().decode()


def is_answer(url: str) -> bool:
    """True for the address that brings the answer home."""
    return "state=" in urlsplit(url).query and ("code=" in url or "error=" in url)


if __name__ == "__main__":
    *users, address = sys.argv[1:]
    Browser(*users[:1]).sign_in(address)
