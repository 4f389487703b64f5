"""mutt's and neomutt's configuration: the settings of sending, with the files that it sources.

What stands outside of hooks is one profile; each hook (or macro that sources a file, as mutt-wizard makes them) that
names another server or another From is one more.
"""

from __future__ import annotations

import os
import re

from sendmail_cli.config.importing.findings import Findings, ImportedProfile, Remark, in_order, valid_name
from sendmail_cli.config.importing.mutt_profile import IGNORED, SENDING, make_profile
from sendmail_cli.config.importing.mutt_syntax import Reader, Word, logical_lines
from sendmail_cli.config.importing.text_file import path_from, read_text
from sendmail_cli.config.toml_lines import Place
from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

FORMAT = "mutt"
PLACES = (
    "~/.muttrc", "~/.mutt/muttrc", "$XDG_CONFIG_HOME/mutt/muttrc", "~/.neomuttrc", "~/.neomutt/neomuttrc",
    "$XDG_CONFIG_HOME/neomutt/neomuttrc",
)  # fmt: skip
MAX_FILES = 500
MAX_HOOKS = 200

_HOOKS = frozenset(("folder-hook", "account-hook", "send-hook", "send2-hook", "reply-hook", "open-hook"))
_MACRO_SOURCE = re.compile("<enter-command>[ ]*source +([^<]+?) *<(?:enter|return)>", re.IGNORECASE)
_PREFIXES = ("no", "inv")


class Value(NamedTuple):
    """What a variable holds, and where it was set."""

    place: Place
    word: Word


State = dict[str, Value]


class Hook(NamedTuple):
    """Commands that run later, in some folder or for some message."""

    place: Place
    commands: str


def read_mutt(path: str, environment: Environment) -> Findings:
    """What the muttrc at `path` says. Raises `InputError` for a file, or one that it sources, that can't be read, and
    `ConfigError` where files source one another in a circle or without end. A sourced one that isn't there is told."""
    run = _Run(environment)
    base: State = {}
    run.file(path, base)
    states = [base]
    done = 0
    while done < len(run.hooks) and done < MAX_HOOKS:
        hook = run.hooks[done]
        done += 1
        state = dict(base)
        run.line(hook.place, hook.commands, state)
        if any(state.get(key) != base.get(key) for key in ("smtp_url", "from", "my_hdr from")):
            states.append(state)
    remarks = run.remarks
    profiles: list[ImportedProfile] = []
    for state in states:
        wanted = FORMAT if state is base else f"{FORMAT}-{_domain(state)}"
        name = valid_name(wanted, FORMAT, [profile.name for profile in profiles])
        profile = make_profile(name, {key: (value.place, value.word) for key, value in state.items()}, remarks)
        if profile is not None and profile.values not in [each.values for each in profiles]:
            profiles.append(profile)
    if run.others:
        text = f"{run.others} settings and commands are about other things than sending"
        remarks.append(Remark(Place(path, 1), "the rest", None, text))
    default = FORMAT if any(profile.name == FORMAT for profile in profiles) else None
    return Findings(FORMAT, tuple(run.files), tuple(profiles), default, in_order(remarks))


def _domain(state: State) -> str:
    """The domain of whom mail is from there, for a name."""
    value = state.get("from") or state.get("my_hdr from")
    found = re.search("@([A-Za-z0-9.-]+)", value.word.text) if value else None
    return found[1] if found else "2"


class _Run:
    """Goes through files as mutt does, and notes what later commands would do."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.variables = environment.child_variables()
        self.files: list[str] = []
        self.open: list[str] = []  # those that are being read, the outermost first
        self.count = 0
        self.hooks: list[Hook] = []
        self.remarks: list[Remark] = []
        self.others = 0

    def file(self, path: str, state: State, wanted_by: str = "") -> None:
        real = os.path.realpath(path)
        if real in self.open:
            raise ConfigError(f"{wanted_by}: the file is being read already: it sources itself, in a circle")
        self.count += 1
        if self.count > MAX_FILES:
            raise ConfigError(f"{wanted_by}: more than {MAX_FILES} files are sourced")
        text = read_text(path, wanted_by)
        if path not in self.files:
            self.files.append(path)
        self.open.append(real)
        for number, line in logical_lines(text):
            self.line(Place(path, number), line, state)
        self.open.pop()

    def line(self, place: Place, line: str, state: State) -> None:
        def lookup(name: str) -> Word | None:
            if name in state:
                return state[name].word
            return Word(self.variables[name]) if name in self.variables else None

        reader = Reader(line, lookup)
        while reader.next_command():
            self.command(place, reader, state)

    def command(self, place: Place, reader: Reader, state: State) -> None:
        """The next command, to its end."""
        name = reader.word().text
        if name in {"set", "unset", "reset", "toggle"}:
            self.set(place, reader, state, is_set=name == "set")
            return
        words = []
        while not reader.is_at_end:
            before = reader.at
            words.append(reader.word())
            if reader.at == before:  # a sign that begins no word
                reader.at += 1
        if name == "source" and words:
            self.source(place, words[0], state)
        elif name in _HOOKS and len(words) > 1:
            self.hooks.append(Hook(place, words[-1].text))
        elif name == "macro" and (found := _MACRO_SOURCE.search(" ".join(word.text for word in words))):
            self.hooks.append(Hook(place, f"source '{found[1]}'"))
        elif name == "my_hdr" and words and words[0].text.endswith(":"):
            commands = tuple(command for word in words for command in word.commands)
            text = " ".join(word.text for word in words)
            state[f"my_hdr {words[0].text[:-1].lower()}"] = Value(place, Word(text, commands))
        else:
            self.others += 1

    def set(self, place: Place, reader: Reader, state: State, *, is_set: bool) -> None:
        while not reader.is_at_end:
            before = reader.at
            name = reader.word("=?").text.lower()
            if reader.equal_sign():
                word = reader.word()
            elif is_set and not name.startswith(_PREFIXES):
                word = Word("yes")
            else:
                name = name if not is_set else re.sub("^(?:no|inv)", "", name)
                word = Word("no")
            if reader.at == before:
                reader.at += 1
                continue
            state[name] = Value(place, word)
            if name not in SENDING and name not in IGNORED and not name.startswith("my_"):
                self.others += 1

    def source(self, place: Place, word: Word, state: State) -> None:
        if not word.is_plain or word.text.rstrip().endswith("|"):
            self.remarks.append(Remark(place, "source", None, "what a program would print is not known: none is run"))
            return
        path = path_from(word.text, place.file, self.environment.home)
        if os.path.lexists(path):
            self.file(path, state, str(place))
        else:  # mutt says so too, and goes on
            self.remarks.append(Remark(place, "source", None, f"there is no file {printable(path)}"))
