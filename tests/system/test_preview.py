"""The page of --preview-file under duress."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Installed

# No file can grow beyond this.
FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
"""


def test_a_disk_that_is_full_leaves_the_page_before(command: Installed, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    words = ("send", "-p", "sandbox", "-m", "hi", "bob@example.org", "--preview-file", str(path))
    assert command(*words).code == 0
    before = path.read_bytes()
    done = command(*words, variables=command.inject(FULL))

    assert len(before) > 4096
    assert (done.code, done.lines[0]) == (73, f"sendmail-cli: can't write the preview to {path}: file too large")
    assert path.read_bytes() == before
    assert list(tmp_path.glob("page.html*")) == [path]
