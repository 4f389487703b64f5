"""The table of rules. A new one is a function that yields `Flaw`s, a line here, and one in docs/lint.md."""

from __future__ import annotations

from sendmail_cli.message.linting import header_rules, part_rules, text_rules
from sendmail_cli.message.linting.finding import Finding, Flaw, Severity
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendmail_cli.message.linting.letter import Letter

MAX_FLAWS = 20  # of one rule; a thousand say no more
_WEIGHTS = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


class Rule(NamedTuple):
    """One thing that receivers, or readers, don't like."""

    code: str
    severity: Severity
    look: Callable[[Letter], Iterator[Flaw]]


RULES = (
    Rule("from-missing", Severity.ERROR, header_rules.from_missing),
    Rule("from-not-aligned", Severity.WARNING, header_rules.from_not_aligned),
    Rule("from-name-deceives", Severity.ERROR, header_rules.from_name_deceives),
    Rule("reply-to-elsewhere", Severity.WARNING, header_rules.reply_to_elsewhere),
    Rule("to-missing", Severity.WARNING, header_rules.to_missing),
    Rule("recipients-visible", Severity.WARNING, header_rules.recipients_visible),
    Rule("date-missing", Severity.ERROR, header_rules.date_missing),
    Rule("date-odd", Severity.WARNING, header_rules.date_odd),
    Rule("message-id-missing", Severity.WARNING, header_rules.message_id_missing),
    Rule("subject-missing", Severity.WARNING, header_rules.subject_missing),
    Rule("subject-shouts", Severity.WARNING, header_rules.subject_shouts),
    Rule("subject-long", Severity.NOTE, header_rules.subject_long),
    Rule("header-twice", Severity.ERROR, header_rules.header_twice),
    Rule("header-8bit", Severity.WARNING, header_rules.header_8bit),
    Rule("unsubscribe-missing", Severity.WARNING, header_rules.unsubscribe_missing),
    Rule("unsubscribe-clumsy", Severity.WARNING, header_rules.unsubscribe_clumsy),
    Rule("empty", Severity.WARNING, text_rules.empty),
    Rule("html-without-text", Severity.WARNING, text_rules.html_without_text),
    Rule("texts-differ", Severity.WARNING, text_rules.texts_differ),
    Rule("html-clipped", Severity.NOTE, text_rules.html_clipped),
    Rule("html-active", Severity.WARNING, text_rules.html_active),
    Rule("html-pictures-only", Severity.WARNING, text_rules.html_pictures_only),
    Rule("picture-local", Severity.WARNING, text_rules.picture_local),
    Rule("picture-missing", Severity.WARNING, text_rules.picture_missing),
    Rule("picture-unused", Severity.NOTE, text_rules.picture_unused),
    Rule("picture-broken", Severity.WARNING, text_rules.picture_broken),
    Rule("picture-huge", Severity.NOTE, text_rules.picture_huge),
    Rule("pictures-remote", Severity.NOTE, text_rules.pictures_remote),
    Rule("tracker", Severity.WARNING, text_rules.tracker),
    Rule("link-deceives", Severity.ERROR, text_rules.link_deceives),
    Rule("mime-broken", Severity.ERROR, part_rules.mime_broken),
    Rule("mime-version-missing", Severity.WARNING, part_rules.mime_version_missing),
    Rule("charset-missing", Severity.WARNING, part_rules.charset_missing),
    Rule("charset-wrong", Severity.WARNING, part_rules.charset_wrong),
    Rule("8bit-unlabelled", Severity.WARNING, part_rules.unlabelled_8bit),
    Rule("executable", Severity.ERROR, part_rules.executable),
    Rule("executable-packed", Severity.ERROR, part_rules.executable_packed),
    Rule("archive-locked", Severity.WARNING, part_rules.archive_locked),
    Rule("name-hides", Severity.WARNING, part_rules.name_hides),
    Rule("attachment-empty", Severity.NOTE, part_rules.attachment_empty),
    Rule("too-large", Severity.WARNING, part_rules.too_large),
    Rule("large", Severity.NOTE, part_rules.large),
)


def lint(letter: Letter) -> tuple[Finding, ...]:
    """What the rules find, the worst first."""
    found = [
        Finding(rule.code, rule.severity, *flaw)
        for rule in RULES
        for flaw, _ in zip(rule.look(letter), range(MAX_FLAWS), strict=False)
    ]
    return tuple(sorted(found, key=lambda finding: _WEIGHTS[finding.severity]))
