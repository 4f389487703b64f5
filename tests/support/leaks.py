"""One grep for all tests with secrets: plain and in base64, over all that a command said, wrote and started.

    def test_something(leaks: Leaks, command: Installed) -> None:
        leaks.secret(token)                                   # as soon as the test knows one
        done = leaks.watch(command)("send", …, "--trace", f"{command.home}/trace.html")
        leaks.see(log.read_bytes())                           # what came by another way, such as a terminal's screen
        leaks.search(folder)                                  # a folder or file with logs, a configuration, a spool

The fixture `leaks` (tests/conftest.py) checks at the end of the test, and fails it; a test may `check()` before that.
`watch` wraps an `Installed`: what it says is seen, and its home is searched but for files named with `keeps`. Elsewhere
give `variables()` to the command that is run, and `see` what it said: with them every program that it starts is seen,
with arguments and environment. `spy()` is a program for `password_command` and the like that looks at what `ps` shows.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.support.command import Argument, Done, Installed

if TYPE_CHECKING:
    from collections.abc import Mapping

MIN_SECRET = 6  # characters; less than that is found by chance

# Runs in the command before anything else. Written once more to a file for each program that is about to start.
HOOK = """
import os, sys
def tell(*words):
    with open({log!r}, "a", encoding="utf-8", errors="surrogateescape") as log:
        print(*words, file=log)
tell("we:", sys.orig_argv)
def hook(event, arguments):
    if event in {{"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.spawn"}}:
        tell(event, arguments, "" if arguments[-1] is not None else dict(os.environ))
sys.addaudithook(hook)
"""
SPY = """#!/bin/sh
{{ env; for each in /proc/[0-9]*/cmdline; do tr "\\0" " " < "$each"; echo; done; }} >> '{log}' 2> /dev/null
printf '%s\\n' '{says}'
"""


@dataclass
class Leaks:
    """Knows the secrets of a test, collects where they might show, and looks for them there."""

    folder: Path
    forms: dict[bytes, str] = field(default_factory=dict)  # what is looked for, and how it is called
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    places: list[Path] = field(default_factory=list)
    kept: set[Path] = field(default_factory=set)

    def secret(self, *texts: str) -> None:
        """From now on, and in what was seen before, none of `texts` may stand anywhere, in no form."""
        for text in texts:
            assert len(text) >= MIN_SECRET, "too short: it would be found by chance"
            plain = text.encode()
            forms = {"plain": plain, "repr": repr(text)[1:-1].encode(), "JSON": json.dumps(text)[1:-1].encode()}
            forms["URL"] = quote(text, safe="").encode()
            for before in (0, 1, 2):  # octets that stand before it, beyond a multiple of three
                forms[f"base64 {before}"] = _inside_base64(plain, before)
            self.forms |= {_folded(octets): how for how, octets in forms.items()}

    def variables(self, before: Mapping[str, str] | None = None) -> dict[str, str]:
        """`before` and what makes a command write down each program that it starts; `Installed.inject` may be in it."""
        chosen = dict(before or {})
        path = chosen.get("PYTHONPATH", "")
        injected = Path(path, "sitecustomize.py")
        hook = self.folder / "hook"
        hook.mkdir(exist_ok=True)
        code = injected.read_text() if path and injected.exists() else ""
        (hook / "sitecustomize.py").write_text(HOOK.format(log=str(self.log)) + code)
        return chosen | {"PYTHONPATH": os.pathsep.join(filter(None, (str(hook), path)))}

    @property
    def log(self) -> Path:
        """What was started, and what spies saw."""
        return self.folder / "started"

    def spy(self, says: str = "") -> Path:
        """A program that looks at all arguments on this machine and at its own environment, and prints `says`."""
        path = self.folder / "spy"
        path.write_text(SPY.format(log=self.log, says=says))
        path.chmod(0o700)
        return path

    def see(self, *texts: str | bytes, called: str = "what was said") -> None:
        """Look for secrets in these, at the end."""
        octets = [text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text for text in texts]
        self.seen += [(called, each) for each in octets]

    def search(self, *places: Path) -> None:
        """Look for secrets in these files and in all below these folders, at the end."""
        self.places += places

    def keeps(self, *paths: Path) -> None:
        """These files hold a secret with good reason."""
        self.kept |= {path.resolve() for path in paths}

    def watch(self, command: Installed) -> Installed:
        """`command`, watched."""
        self.search(command.home)
        return Watched(command.home, command.variables, leaks=self)

    def check(self) -> None:
        """Fails where a secret stands in what was collected so far."""
        assert self.forms, "no secret was named"
        found = [f"{how} in {where}" for where, octets in self._collected() for how in self._forms_in(octets)]
        assert found == [], f"a secret shows: {', '.join(found)}"

    @property
    def started(self) -> str:
        """Each program that was started, with arguments and environment, and what spies saw."""
        return self.log.read_text(errors="surrogateescape") if self.log.exists() else ""

    def _forms_in(self, octets: bytes) -> list[str]:
        folded = _folded(octets)
        return [how for form, how in self.forms.items() if form in folded]

    def _collected(self) -> list[tuple[str, bytes]]:
        files = [self.log, *self.places]
        for place in self.places:
            files += [path for path in place.rglob("*") if not path.is_symlink()]
        read = [(str(path), path.read_bytes()) for path in files if path.is_file() and path.resolve() not in self.kept]
        return [*self.seen, *read, *((f"the name {path}", os.fsencode(path)) for path in files)]


@dataclass
class Watched(Installed):
    """An installed command whose doings are looked at."""

    leaks: Leaks | None = None

    def __call__(self, *arguments: Argument, variables: Mapping[str, str] | None = None, **how: Any) -> Done:
        """As `Installed`."""
        assert self.leaks is not None
        done = super().__call__(*arguments, variables=self.leaks.variables(variables), **how)
        self.leaks.see(done.out, done.err)
        return done


def _folded(octets: bytes) -> bytes:
    return octets.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")


def _inside_base64(octets: bytes, before: int) -> bytes:
    """What `octets` are in the base64 of a longer text, without the digits at either end that hold other octets too."""
    encoded = base64.b64encode(bytes(before) + octets)
    return encoded[before + 1 if before else 0 : (before + len(octets)) * 8 // 6]
