"""A provider whose answers a test writes, a keyring in memory, and a clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from sendmail_cli.config.oauth import device, endpoints, store, token_requests
from sendmail_cli.config.oauth.https import Answer
from sendmail_cli.environment import Environment
from sendmail_cli.errors import CredentialMissing
from sendmail_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_mock import MockerFixture

    from sendmail_cli.config.os_keyring import KeyringEntry


class World(Environment):
    """A home of its own, and a clock that a test turns: to sleep takes no time."""

    def __init__(self, folder: Path) -> None:
        super().__init__({"HOME": str(folder)})
        self.moment = 1_000_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds


@dataclass
class Asked:
    """One request."""

    url: str
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class Provider:
    """Gives its `answers` one after the other, and keeps what it was asked."""

    answers: list[Answer | Exception] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def says(self, fields: object, status: int = 200) -> None:
        self.answers.append(Answer("provider.example", status, json.dumps(fields).encode()))

    def gives(self, token: str = "token", **more: Any) -> None:
        self.says({"access_token": token, "token_type": "Bearer", "expires_in": 3600, **more})

    def refuses(self, error: str, status: int = 400, **more: str) -> None:
        self.says({"error": error, **more}, status)

    def fetch(
        self, url: str, _: Environment, *, form: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        fields = {name: values[0] for name, values in parse_qs(form or "").items()}
        self.asked.append(Asked(url, fields, dict(headers or {})))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def provider(mocker: MockerFixture) -> Provider:
    found = Provider()
    for module in (token_requests, endpoints, device):
        mocker.patch.object(module, "fetch", found.fetch)
    return found


@pytest.fixture
def keyring(mocker: MockerFixture) -> dict[tuple[str, str], str]:
    """What it keeps, by service and user."""
    kept: dict[tuple[str, str], str] = {}

    def get(entry: KeyringEntry, *_: object, **__: object) -> Secret | None:
        found = kept.get((entry.service, entry.user))
        return None if found is None else Secret(found)

    def put(entry: KeyringEntry, secret: Secret, *_: object, **__: object) -> None:
        kept[entry.service, entry.user] = secret.reveal()

    def delete(entry: KeyringEntry, *_: object, **__: object) -> None:
        if kept.pop((entry.service, entry.user), None) is None:
            raise CredentialMissing("no such entry")

    mocker.patch.object(store, "get_password", get)
    mocker.patch.object(store, "set_password", put)
    mocker.patch.object(store, "delete_password", delete)
    return kept
