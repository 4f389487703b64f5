"""The page of `--preview` in a real browser: it shows the message, it fits, and a hostile message does nothing."""

from __future__ import annotations

import re
import struct
import zlib
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from tests.support.chromium import DARK, LIGHT, Browser, started
from tests.support.command import Installed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.real_server

ORANGE, RED, GREEN = b"\xf0\x8c\x28", b"\xff\x00\x00", b"\x3c\x8c\x5a"
SUBJECT = """</h1></title><script>hacked=1</script><img src=http://evil.example/s onerror="parent.hacked=1">' \""""
EVIL = """<!DOCTYPE html><meta http-equiv="refresh" content="0;url=http://evil.example/refresh">
<link rel="preconnect" href="http://evil.example"><LINK rel=dns-prefetch href="//dns.evil.example">
<link rel="stylesheet" href="http://evil.example/style.css"><base href="http://evil.example/">
<script>document.documentElement.style.background = "#f00"; document.body.innerHTML = ""</script>
<body onload="document.body.style.background = '#f00'" style="font-family: sans-serif">
<p>Hello</p><img src="cid:logo@here" width=64 height=64>
<img src="http://evil.example/x.png" srcset="http://evil.example/y.png 2x"
onerror="document.body.style.background = '#f00'">
<svg onload="document.body.style.background = '#f00'"><image href="http://evil.example/svg.png"></image></svg>
<iframe src="http://evil.example/frame"></iframe><iframe srcdoc="<script>top.hacked=1</script>"></iframe>
<object data="http://evil.example/object"></object>
<embed src="http://evil.example/embed"><video poster="http://evil.example/poster" src="//evil.example/v"></video>
<style>@import "http://evil.example/import.css"; @font-face { font-family: e; src: url(http://evil.example/font) }
p { background: url(http://evil.example/background); font-family: e }</style>
<form action="http://evil.example/form"><input name=a></form><a href="http://evil.example/" ping="http://evil.example/ping">x</a>
</iframe><script>top.hacked=1</script><!-- " '> --></body>"""

# What is measured of the page, beside what is of each: see `Browser.measured`.
FACTS = """
const frames = [...page.querySelectorAll("iframe")]
return {
  hacked: "hacked" in window || "hacked" in frame.contentWindow,
  title: page.title,
  sandboxes: frames.map((each) => each.getAttribute("sandbox")),
  reachable: frames.filter((each) => each.contentDocument != null).length,
  images: [...page.images].map((each) => each.src.slice(0, 22)),
  files: [...page.querySelectorAll(".files b")].map((each) => each.textContent),
  codes: [...page.querySelectorAll(".code")].map((each) => each.textContent),
}
"""


def png(colour: bytes, side: int = 64) -> bytes:
    """A square of one colour."""

    def chunk(kind: bytes, octets: bytes) -> bytes:
        return struct.pack(">I", len(octets)) + kind + octets + struct.pack(">I", zlib.crc32(kind + octets))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + colour * side) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return started(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a message that attacks whoever looks at it."""
    folder = tmp_path_factory.mktemp("page")
    message = EmailMessage()
    message["From"] = "Ada <ada@example.org>"
    message["To"] = "bob@example.org"
    message["Subject"] = SUBJECT
    message.set_content("Hello\n</pre></main><script>hacked=1</script>\n" + "long" * 200 + "\n")
    message.add_alternative(EVIL, subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(html, EmailMessage)
    html.add_related(png(ORANGE), "image", "png", cid="<logo@here>")
    message.add_attachment(png(GREEN), maintype="image", subtype="png", filename='green"><script>hacked=1</script>.png')
    within = EmailMessage()
    within["From"] = "eve@example.com"
    within["Subject"] = SUBJECT
    within.set_content("Inside", subtype="html")
    message.add_attachment(within)
    (folder / "message.eml").write_bytes(bytes(message))
    done = Installed(folder / "home")(
        "send", "--raw", folder / "message.eml", "--preview-file", folder / "preview.html"
    )  # fmt: skip
    assert done.code == 0, done
    return folder / "preview.html"


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_fits_whatever_the_width(browser: Browser, page: Path, width: int) -> None:
    found = browser.measured(page, FACTS, width=width)

    assert found["width"] <= width
    assert found["sticking"] == []


def test_a_hostile_message_is_text(browser: Browser, page: Path) -> None:
    found = browser.measured(page, FACTS, width=1280)

    assert (found["hacked"], found["scripts"]) == (False, 0)
    assert found["heading"] == SUBJECT
    assert found["title"] == f"Preview: {SUBJECT}"
    assert found["sandboxes"] == ["", ""]
    assert found["reachable"] == 0  # each has an origin of its own
    assert found["images"] == ["data:image/png;base64,"]
    assert found["files"] == ['green"><script>hacked=1</script>.png', "a message"]
    assert {"html-active", "pictures-remote"} <= set(found["codes"])


def drawn(browser: Browser, page: Path) -> Mapping[bytes, int]:
    """The colours of the page once its frame is drawn: a browser without a window may take the picture before that."""
    pictures = (browser.picture(page, width=1000, height=3500).colours for _ in range(8))
    return next((colours for colours in pictures if ORANGE in colours), {})


def test_no_script_of_the_message_runs_and_its_picture_is_shown(browser: Browser, page: Path, tmp_path: Path) -> None:
    colours = drawn(browser, page)
    assert colours.get(ORANGE, 0) >= 64 * 64
    assert colours[GREEN] > 1000
    assert RED not in colours

    careless = tmp_path / "careless.html"
    careless.write_text(re.sub("<meta [^>]*refresh[^>]*>", "", EVIL))
    assert browser.picture(careless, width=1000).colours[RED] > 100_000


def test_it_asks_for_nothing(browser: Browser, page: Path, tmp_path: Path) -> None:
    def asked_for(shown: Path) -> set[str]:
        log = tmp_path / "net.json"
        browser(shown, "--dump-dom", "--virtual-time-budget=3000", f"--log-net-log={log}")
        return set(re.findall(r"evil\.example[^\"]*", log.read_text()))

    careless = tmp_path / "careless.html"
    careless.write_text(re.sub("<meta [^>]*refresh[^>]*>", "", EVIL))
    assert len(asked_for(careless)) > 3
    assert asked_for(page) == set()


def test_it_follows_the_readers_colours(browser: Browser, page: Path) -> None:
    light = browser.picture(page, width=1000, scheme=LIGHT)
    dark = browser.picture(page, width=1000, scheme=DARK)

    assert min(light.rows[0][:3]) > 200
    assert max(dark.rows[0][:3]) < 60
    for picture in (light, dark):
        assert len(picture.colours) > 50


def test_it_prints(browser: Browser, page: Path, tmp_path: Path) -> None:
    path = tmp_path / "preview.pdf"
    browser(page, f"--print-to-pdf={path}", "--no-pdf-header-footer", f"--blink-settings=preferredColorScheme={DARK}")

    assert path.read_bytes().startswith(b"%PDF-")
