"""Pictures of a page, from its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.errors import DataError, HeaderError, InputError, InputOutputError
from sendmail_cli.message.compose import compose
from sendmail_cli.message.draft import Draft
from sendmail_cli.message.inline_images import Illustrated, Page, inline_images

if TYPE_CHECKING:
    from pathlib import Path

    from sendmail_cli.environment import Environment

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def page(tmp_path: Path) -> Page:
    for name in ("a.png", "b.png", "ü #1.png"):
        (tmp_path / name).write_bytes(PNG + name.encode())
    return Page("index.html", str(tmp_path), str(tmp_path))


def inlined(html: str, page: Page) -> Illustrated:
    return inline_images(html, page, "x@example.org", lambda _: None)


def test_a_file_is_one_part_by_whatever_path(page: Page, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to("a.png")
    done = inlined("<img src=a.png><img src=b.png><img src=./link.png?v=2#x>", page)

    assert done.html == "<img src=cid:1.x@example.org><img src=cid:2.x@example.org><img src=cid:1.x@example.org>"
    assert [(image.name, image.content_id, image.disposition) for image in done.images] == [
        ("a.png", "1.x@example.org", "inline"),
        ("b.png", "2.x@example.org", "inline"),
    ]


@pytest.mark.parametrize("source", ["%C3%BC%20%231.png", "ü%20%231.png", "&uuml;%20%231.png"])
def test_a_path_is_decoded(page: Page, source: str) -> None:
    assert [image.name for image in inlined(f"<img src='{source}'>", page).images] == ["ü #1.png"]


@pytest.mark.parametrize(
    "source",
    ["https://x.example/a.png", "//x.example/a.png", "data:,x", "cid:1@x", "#a", "?a", "", "C:\\a.png", "file:///a"],
)
def test_what_is_elsewhere_stays_there(page: Page, source: str) -> None:
    html = f"<img src='{source}'>"
    assert inlined(html, page) == Illustrated(html, ())


def test_a_root_that_is_a_link_is_the_folder_it_leads_to(page: Page, tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to(".")
    assert inlined("<img src=a.png>", Page("p", str(tmp_path / "root"), str(tmp_path / "root"))).images


def test_a_folder_whose_name_only_begins_alike_is_outside(page: Page, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a.png").write_bytes(PNG)
    with pytest.raises(DataError, match=r"^p, line 1: “../inside/a.png” leads out of "):
        inlined("<img src=../inside/a.png>", Page("p", str(tmp_path / "in"), str(tmp_path / "in")))


def test_the_line_is_told_for_whatever_is_wrong(page: Page, tmp_path: Path) -> None:
    (tmp_path / "a\nb.png").write_bytes(PNG)
    with pytest.raises(HeaderError, match=r"^index.html, line 2: "):
        inlined("\n<img src=a%0Ab.png>", page)
    with pytest.raises(InputError, match=r"^index.html, line 3: can't read “none”: No such file"):
        inlined("\n\n<img src=none>", page)


def test_one_that_changes_while_it_is_sent_stops_the_message(
    page: Page, tmp_path: Path, environment: Environment
) -> None:
    done = inlined("<img src=a.png>", page)
    draft = Draft(parse_mailbox("ada@example.org"), html=done.html, images=done.images)
    message = compose(draft, environment)
    (tmp_path / "a.png").write_bytes(PNG + b"other")

    with pytest.raises(InputOutputError, match=r"a.png” was changed"):
        list(message.chunks())
