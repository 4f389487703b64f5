"""A home and a machine of their own for each test of the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.environment import Environment

if TYPE_CHECKING:
    from pathlib import Path


class Machine(Environment):
    """An environment whose home and /etc are in a folder of the test."""

    def __init__(self, folder: Path, **variables: str) -> None:
        super().__init__({"HOME": str(folder / "home"), **variables})
        self.folder = folder

    @property
    def system_config_folder(self) -> str:
        return str(self.folder / "etc")

    @property
    def user_file(self) -> Path:
        return self.folder / "home/.config/sendmail-cli/profiles.toml"

    @property
    def system_file(self) -> Path:
        return self.folder / "etc/profiles.toml"

    def write(self, text: str) -> None:
        self.put(self.user_file, text)

    def write_system(self, text: str) -> None:
        self.put(self.system_file, text)

    def put(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
