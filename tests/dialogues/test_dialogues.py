"""Each dialogue of this folder, by each player that can play it."""

from pathlib import Path

import pytest

from tests.support.dialogue import PLAYERS, Dialogue, check, play

DIALOGUES = [Dialogue(path.read_text("utf-8"), path.stem) for path in sorted(Path(__file__).parent.glob("*.txt"))]
CASES = [(dialogue, player) for dialogue in DIALOGUES for player in dialogue.players]
IDS = ["-".join([dialogue.name, *dialogue.get("Covers").split(), player]) for dialogue, player in CASES]
HEADERS = {
    *("About", "Covers", "Exit", "Outcome", "Words", "Not-Shown", "Trace", "From", "To", "Body", "Chunk", "Size"),
    *("UTF8-Header", "User", "Password", "Auth", "Tls", "Peer", "Timeouts", "Players"),
    *(
        "Messages",
        "Lmtp",
        "Pipelining",
        "Chunking",
        "All-Or-None",
        "Notify",
        "Ret",
        "Envid",
        "Require-TLS",
        "Mail-Param",
        "Rcpt-Param",
        "Certificate",
    ),
}


@pytest.mark.parametrize(("dialogue", "player"), CASES, ids=IDS)
def test_comes_out_as_the_file_says(
    dialogue: Dialogue, player: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    check(dialogue, play(dialogue, player, monkeypatch, tmp_path))


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_its_headers_are_known_and_say_what_it_shows(dialogue: Dialogue) -> None:
    assert set(dialogue.headers) <= HEADERS
    assert set(dialogue.players) <= set(PLAYERS)
    assert dialogue.get("About")
    assert dialogue.get("Exit")
