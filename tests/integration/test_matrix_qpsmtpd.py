"""qpsmtpd takes mail in the clear, and its plugins for adversaries find nothing wrong, or are told of truly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import Runner
from tests.support.servers import qpsmtpd
from tests.support.servers.kind import Way
from tests.support.servers.matrix import Cell, Matrix, Recipients, Wire, assert_reported, machine_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers.kind import RealServer

pytestmark = pytest.mark.real_server

MOST_RUNS = 100  # random_error 30 lets all of them pass, or none, less than once in 10**15 times
RUNS = 30


class TestQpsmtpd(Matrix):
    server = "qpsmtpd"

    def test_we_never_talk_early(self, real_server: RealServer, tmp_path: Path) -> None:
        (tmp_path / "server").mkdir()
        with qpsmtpd.start(tmp_path / "server", "earlytalker wait 1 check-at CONNECT check-at DATA") as server:
            wire = Wire(server, tmp_path)
            run = Runner(machine_for(wire, Cell(Way.PLAIN, "PLAIN")))
            to = wire.recipients(Recipients.ONE)
            assert_reported(run("send", "--json", "-m", "hello\n", *to), to, [])
            assert server.log().count("earlytalker: pass, not spontaneous") == 2
            assert len(server.delivered()) == 1

    def test_random_errors_are_told_truly(self, real_server: RealServer, tmp_path: Path) -> None:
        (tmp_path / "server").mkdir()
        with qpsmtpd.start(tmp_path / "server", "random_error 30") as server:
            wire = Wire(server, tmp_path)
            run = Runner(machine_for(wire, Cell(Way.PLAIN, "")))
            codes: list[int] = []
            reported: dict[str, list[str]] = {}
            while len(codes) < RUNS or (len(set(codes)) < 2 and len(codes) < MOST_RUNS):
                done = run("send", "--json", "-m", "hello\n", *wire.recipients(Recipients.TEN)[:2])
                actions = {each["address"]: each["action"] for each in done.json["recipients"]}
                relayed = [address for address, action in actions.items() if action == "relayed"]
                assert set(actions.values()) <= {"relayed", "delayed"}
                assert done.code == {0: 75, 1: 80, 2: 0}[len(relayed)], done
                codes.append(done.code)
                reported[done.json["message_id"]] = relayed
            assert {0, 75} <= set(codes)
            for message_id, relayed in reported.items():
                assert [address for each in wire.kept(message_id) for address in each.rcpt_to] == relayed
            assert len(server.delivered()) == sum(code != 75 for code in codes)
