"""Text in format=flowed: whatever was typed, its reader has the same paragraphs."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from sendmail_cli.message.flowed import flow
from tests.support.readers.reading import unflowed

PIECES = [" ", "  ", "\t", ">", "> ", ">>", "-- ", "--", "From ", "word", "ü", "x" * 40, "x" * 100, "\n", "\n\n"]
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
)


def paragraph(line: str) -> str:
    """A line as it arrives: without spaces at its end, and with one after the marks of a quotation."""
    content = line.lstrip(">")
    quotes = line[: len(line) - len(content)]
    content = content.removeprefix(" ") if quotes else content
    content = content if content == "-- " else content.rstrip(" ")
    return f"{quotes} {content}" if quotes and content else quotes + content


@given(text=texts)
@example(text=f"https://example.org/{'x' * 100}\nnext")
def test_any_text_arrives_in_its_paragraphs(text: str) -> None:
    assert unflowed(flow(text), "no") == "\n".join(map(paragraph, text.split("\n")))
