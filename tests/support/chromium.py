"""A real browser that looks at a page: Chromium without a window."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import struct
import subprocess
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.patience import PATIENCE
from tests.support.required import skip_if

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAM = "chromium"
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
# Puts the page into a frame of a given width, and says what a browser made of it; `facts` are statements of a test.
FRAME = """<!DOCTYPE html><title>waiting</title><iframe id=frame width={width} height=900 srcdoc="{page}"></iframe>
<script>
frame.onload = () => {{
  const page = frame.contentDocument, box = (each) => each.getBoundingClientRect()
  const sticking = [...page.querySelectorAll("body *")].filter((each) => box(each).right > {width} + 1)
  const found = {{
    width: page.documentElement.scrollWidth,
    sticking: sticking.map((each) => `${{each.tagName}} ${{each.className}}`),
    scripts: page.scripts.length,
    heading: page.querySelector("h1").textContent,
    background: getComputedStyle(page.body).backgroundColor,
    ...(() => {{{facts}}})(),
  }}
  document.body.textContent = "FOUND" + JSON.stringify(found) + "END"
}}
</script>
"""
DARK, LIGHT = 0, 1  # as Chromium's setting preferredColorScheme counts them


def why_unavailable() -> str | None:
    """Why no page can be looked at on this machine; None when one can."""
    return None if shutil.which(PROGRAM) else f"not installed: {PROGRAM} (.ci/servers installs it)"


@dataclass(frozen=True)
class Browser:
    """A browser that has never been anywhere; each call starts it anew."""

    folder: Path

    def __call__(self, page: Path, *flags: str) -> str:
        """What it writes to standard output about `page`."""
        command = [PROGRAM, *QUIET, f"--user-data-dir={self.folder / os.urandom(8).hex()}", *flags, page.as_uri()]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False, cwd=self.folder
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def measured(self, page: Path, facts: str, *, width: int, scheme: int = LIGHT) -> dict[str, Any]:
        """What is found of the page in a window of `width`: see `FRAME`."""
        path = self.folder / f"frame-{width}-{scheme}.html"
        text = FRAME.format(width=width, page=html.escape(page.read_text("utf-8")), facts=facts)
        path.write_text(text, encoding="utf-8")
        shown = self(path, "--dump-dom", "--window-size=1600,1200", f"--blink-settings=preferredColorScheme={scheme}")
        found = re.search("FOUND(.*)END", html.unescape(shown), re.DOTALL)
        assert found, shown[:2000]
        measures = json.loads(found[1])
        assert isinstance(measures, dict)
        return measures

    def picture(self, page: Path, *, width: int, scheme: int = LIGHT, height: int = 1200) -> Picture:
        """The page as pixels."""
        path = self.folder / "picture.png"
        self(
            page,
            f"--screenshot={path}",
            "--virtual-time-budget=3000",  # the frames of a page are drawn a moment after the page
            f"--window-size={width},{height}",
            f"--blink-settings=preferredColorScheme={scheme}",
        )
        return Picture.of(path.read_bytes())


def started(folder: Path) -> Browser:
    """A browser; the test that asks is skipped where there is none, and fails where there has to be one."""
    skip_if(why_unavailable())
    return Browser(folder)


@dataclass(frozen=True)
class Picture:
    """Rows of pixels, each red, green, blue."""

    rows: list[bytes]
    channels: int

    @classmethod
    def of(cls, png: bytes) -> Picture:
        """The picture in a PNG file of 8 bits a channel without interlacing."""
        width, _, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
        assert (depth, interlaced) == (8, 0)
        channels = {2: 3, 6: 4}[kind]
        packed, at = b"", 8
        while at < len(png):
            (size,) = struct.unpack(">I", png[at : at + 4])
            packed += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
            at += size + 12
        return cls(list(_unfiltered(zlib.decompress(packed), width * channels, channels)), channels)

    @property
    def colours(self) -> Mapping[bytes, int]:
        """How many pixels have each colour."""
        counts: dict[bytes, int] = {}
        for row in self.rows:
            for at in range(0, len(row), self.channels):
                pixel = row[at : at + 3]
                counts[pixel] = counts.get(pixel, 0) + 1
        return counts


def _unfiltered(octets: bytes, stride: int, channels: int) -> list[bytes]:
    """The rows of a PNG, whose octets are differences from those to the left and above."""
    rows, above = [], bytes(stride)
    for start in range(0, len(octets), stride + 1):
        kind, row = octets[start], bytearray(octets[start + 1 : start + 1 + stride])
        for at in range(stride):
            left = row[at - channels] if at >= channels else 0
            corner = above[at - channels] if at >= channels else 0
            row[at] = (
                row[at] + (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[kind]
            ) & 255
        above = bytes(row)
        rows.append(above)
    return rows


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))
