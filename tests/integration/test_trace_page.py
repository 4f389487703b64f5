"""The page of `--trace FILE.html` in a real browser: it shows, it fits, and a hostile server's words run nothing."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.support.certificates import write_ca_file
from tests.support.chromium import DARK, LIGHT, Browser, started
from tests.support.command import Installed
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.small_servers import QUIT, server

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real_server

EVIL = (
    "<script>parent.hacked=1;document.title='hacked'</script>"
    "<img src='http://evil.example/x' onerror='parent.hacked=1'>"
)
LONG = "5.7.1 see-" + "x" * 300
SCRIPT = (
    "S! drip 0.001\nS: 220 mx.example.org ESMTP\nC? EHLO\nS: 250-mx.example.org\nS: 250 STARTTLS\n"
    "C: STARTTLS\nS: 220 go\nS! starttls\nC? EHLO\nS: 250-mx.example.org\nS: 250 8BITMIME\n"
    f"C? MAIL\nS: 250 2.1.0 Ok\nC? RCPT\nS: 250 2.1.5 Ok\nC? RCPT\nS: 550 5.1.1 {EVIL}\nC? RCPT\nS: 550 {LONG}\n"
    "C? DATA\nS: 354 go on\nC.\nS: 250 2.0.0 Ok: queued as 4F2A\n" + QUIT
)

# What is measured of the page, beside what is of each: see `Browser.measured`.
FACTS = """
const rows = [...page.querySelectorAll(".steps li")]
return {
  hacked: "hacked" in window || page.title == "hacked",
  images: page.images.length,
  white_space: getComputedStyle(page.querySelector("pre") ?? page.body).whiteSpace,
  refused: page.querySelector(".steps .bad pre")?.textContent,
  hover: page.querySelector(".steps .bad")?.title,
  rows: rows.map((each) => box(each).height),
  bars: rows.map((each) => {
    const bar = box(each.querySelector(".bar")), lane = box(each.querySelector(".lane"))
    return [bar.left - lane.left, bar.right - lane.right, bar.width]
  }),
  labels: rows.map((each) => {
    const label = box(each.querySelector(".lane text")), lane = box(each.querySelector(".lane"))
    return [label.left - lane.left, label.right - lane.right]
  }),
  locks: rows.map((each) => each.querySelector(".lock") != null),
}
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return started(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a message that one of three recipients gets; the second refusal is an attack, the third a word without end."""
    folder = tmp_path_factory.mktemp("page")
    command = Installed(folder / "home")
    path = folder / "trace.html"
    with ScriptedServer(parse_script(SCRIPT)) as mx:
        done = command(
            "send", "-f", "ada@example.org", "bob@example.org", "eve@example.org", "zoe@example.org", "-m", "hi",
            "--tls", "starttls", "--ca-file", write_ca_file(folder), "-S", f"localhost:{mx.port}", "--trace", path,
        )  # fmt: skip
    assert done.code == 80, done
    return path


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_fits_whatever_the_width(browser: Browser, page: Path, width: int) -> None:
    found = browser.measured(page, FACTS, width=width)

    assert found["width"] <= width
    assert found["sticking"] == []
    assert found["heading"] == "Partly delivered"
    assert found["white_space"] == "pre-wrap"  # the policy lets our own style in
    assert 20 < min(found["rows"]) <= max(found["rows"]) < 600


def test_a_hostile_servers_words_are_text(browser: Browser, page: Path) -> None:
    found = browser.measured(page, FACTS, width=1280)

    assert (found["hacked"], found["scripts"], found["images"]) == (False, 0, 0)
    assert found["refused"] == f"550 5.1.1 {EVIL}"
    assert found["hover"].startswith("There is no mailbox with this address. ")


@pytest.mark.parametrize("width", [320, 390])
def test_a_bar_that_takes_all_has_its_label_too(browser: Browser, tmp_path: Path, width: int) -> None:
    path = tmp_path / "trace.html"
    command = Installed(tmp_path / "home")
    with server("S! stall\n") as mx:
        words = ("-f", "ada@example.org", "bob@example.org", "-m", "hi", "--timeout", "1", "--trace", path)
        assert command("send", *words, "-S", f"localhost:{mx.port}").code == 75
    found = browser.measured(path, FACTS, width=width)

    assert max(bar for _, _, bar in found["bars"]) > 0.5 * width
    assert all(from_left >= -1 and from_right <= 1 for from_left, from_right in found["labels"])


@pytest.mark.parametrize("width", [390, 1280])
def test_bars_can_be_seen_and_stay_on_the_axis(browser: Browser, page: Path, width: int) -> None:
    found = browser.measured(page, FACTS, width=width)

    assert len(found["bars"]) > 20
    for from_left, from_right, _ in found["bars"]:
        assert from_left >= -1
        assert from_right <= 1
    assert all(from_left >= -1 and from_right <= 1 for from_left, from_right in found["labels"])
    starts = [from_left for from_left, _, _ in found["bars"]]
    assert all(after >= before - 0.5 for before, after in pairwise(starts))
    assert max(bar for _, _, bar in found["bars"]) > 10
    assert found["locks"] == sorted(found["locks"])  # none until TLS, then each
    assert {*found["locks"]} == {False, True}


def test_it_follows_the_readers_colours(browser: Browser, page: Path) -> None:
    light = browser.picture(page, width=1000, scheme=LIGHT)
    dark = browser.picture(page, width=1000, scheme=DARK)

    assert min(light.rows[0][:3]) > 200
    assert max(dark.rows[0][:3]) < 60
    for picture in (light, dark):
        assert len(picture.colours) > 50
        assert max(picture.colours.values()) < 0.95 * sum(picture.colours.values())


def test_it_prints(browser: Browser, page: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.pdf"
    browser(page, f"--print-to-pdf={path}", "--no-pdf-header-footer", f"--blink-settings=preferredColorScheme={DARK}")

    assert path.read_bytes().startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", path.read_bytes())) <= 6


def test_it_asks_for_nothing(browser: Browser, page: Path, tmp_path: Path) -> None:
    def asked_for(shown: Path) -> set[str]:
        log = tmp_path / "net.json"
        browser(shown, "--dump-dom", f"--log-net-log={log}")
        return set(re.findall(r'"(https?://evil\.[^"]+)"', log.read_text()))

    careless = tmp_path / "careless.html"
    careless.write_text(EVIL)
    assert "http://evil.example/x" in asked_for(careless)
    assert asked_for(page) == set()


def test_the_policy_stands_even_where_an_escape_was_forgotten(browser: Browser, page: Path, tmp_path: Path) -> None:
    careless = tmp_path / "careless.html"
    careless.write_text(
        page.read_text("utf-8").replace("</main>", f"{EVIL}<style>pre{{white-space:pre}}</style></main>")
    )
    found = browser.measured(careless, FACTS, width=1280)

    assert (found["hacked"], found["scripts"], found["images"]) == (False, 1, 1)
    assert found["white_space"] == "pre-wrap"
