"""`sendmail-cli profile import`: profiles from the configuration of msmtp, mutt, git send-email or mailmerge."""

from __future__ import annotations

import click

from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import json_option, output_options, talk
from sendmail_cli.cli.params import FILE
from sendmail_cli.config import profile_file
from sendmail_cli.config.importing.formats import NAMES, load_findings
from sendmail_cli.config.os_keyring import KeyringEntry, set_password
from sendmail_cli.config.profile_keys import NEEDS_NO_PASSWORD
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.errors import MailError, UsageError
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.config.importing.findings import Findings, ImportedProfile, Remark

NOTHING = "nothing is written"


@click.command(
    "import",
    cls=SectionedCommand,
    short_help="Make profiles of another program's configuration.",
    examples=(
        "sendmail-cli profile import --from msmtp --dry-run",
        "sendmail-cli profile import ~/.mutt/muttrc",
    ),
    exit_codes=(0, 64, 66, 73, 75, 78),
)
@click.argument("file", required=False, type=FILE)
@option(
    "--from",
    "format_name",
    type=click.Choice(NAMES),
    help="Whose configuration it is. Without FILE the usual places are looked at, of all of them without --from.",
)
@option("--dry-run", is_flag=True, help="Print the profiles, and what became of each line; write nothing.")
@option("--replace", is_flag=True, help="Replace profiles that are there already.")
@option("--store-passwords", is_flag=True, help="Put passwords that stand in the clear there into the keyring.")
@output_options
@json_option
@click.pass_context
def import_(context: click.Context, /, file: str | None, format_name: str | None, **values: Any) -> ExitCode:
    """Make profiles of what msmtp, mutt, git send-email or mailmerge send by, and say line by line what was taken.

    Passwords that stand in the clear are never written down: they go into the keyring when you say so.
    """
    is_dry, is_replacing, is_storing = (values.pop(name) for name in ("dry_run", "replace", "store_passwords"))
    talking = talk(context, values)
    if is_dry and is_storing:
        raise UsageError("--dry-run writes nothing, and --store-passwords does; give one of them")
    findings = load_findings(format_name, file, talking.environment)
    profiles = _joined(findings)
    default = next((each.default for each in findings if each.default), None) or next(iter(profiles), None)
    path = None
    if profiles and not is_dry:
        path = _write(profiles, default, talking, replaceable=tuple(profiles) if is_replacing else ())
    if not talking.output.is_json:
        _tell(findings, talking)
    stored = _store(profiles, talking, is_wanted=is_storing) if path is not None else ()
    if talking.output.is_json:
        talking.output.answer_json(_fields(findings, profiles, stored, default, path))
    elif profiles and is_dry:
        talking.output.answer(_toml(profiles, default))
    else:
        _conclude(profiles, stored, talking, path)
    return ExitCode.OK if profiles else ExitCode.CONFIG


def _write(
    profiles: dict[str, ImportedProfile], default: str | None, talking: Talk, *, replaceable: tuple[str, ...]
) -> str:
    """Writes all profiles or none; the default is set only where no profile was there. Gives the file's path."""
    is_first = not load_profiles(talking.environment).names
    values = {name: profile.values for name, profile in profiles.items()}
    return profile_file.save_profiles(
        talking.environment, values, default=default if is_first else None, replaceable=replaceable
    )


def _joined(findings: tuple[Findings, ...]) -> dict[str, ImportedProfile]:
    """All profiles by name. Raises `UsageError` where two configurations have one of the same name."""
    profiles: dict[str, ImportedProfile] = {}
    for found in findings:
        for profile in found.profiles:
            if profile.name in profiles:
                raise UsageError(
                    f"two configurations have a profile “{profile.name}”: {NOTHING}",
                    hint=f"Import them one by one: --from {'|'.join(NAMES)}",
                )
            profiles[profile.name] = profile
    return profiles


def _toml(profiles: dict[str, ImportedProfile], default: str | None) -> str:
    return profile_file.toml_of({name: profile.values for name, profile in profiles.items()}, default).rstrip("\n")


def _tell(findings: tuple[Findings, ...], talking: Talk) -> None:
    """What became of each line, to standard error: a heading for each file."""
    file = None
    for remark in (each for found in findings for each in found.remarks):
        if remark.place.file != file:
            file = remark.place.file
            talking.inform(f"{file}:")
        talking.inform(f"  {remark.place.line:4}  {_sentence(remark)}")


def _sentence(remark: Remark) -> str:
    text = f"{remark.setting}: " + ("not taken" if remark.key is None else f"taken as {remark.key}")
    if remark.text:
        text += f": {remark.text}" if remark.key is None else f" ({remark.text})"
    return f"{text}. {remark.advice}" if remark.advice else text


def _store(profiles: dict[str, ImportedProfile], talking: Talk, *, is_wanted: bool) -> tuple[str, ...]:
    """Put passwords into the keyring where that is wanted; the names of their profiles.

    Raises what the keyring does, with the word that the profiles are written.
    """
    having = [profile for profile in profiles.values() if profile.password is not None and "user" in profile.values]
    if not having or not (is_wanted or _is_answered_yes(len(having), talking)):
        return ()
    is_insecure_allowed = load_profiles(talking.environment).allow_insecure_keyring
    for profile in having:
        entry = KeyringEntry(profile.name, profile.values["user"], is_insecure_allowed)
        try:
            if profile.password is not None:
                set_password(entry, profile.password, talking.environment, may_ask=talking.may_ask)
        except MailError as error:
            error.sentence = f"the profiles are written, but no password of {profile.name} is stored: {error.sentence}"
            raise
    return tuple(profile.name for profile in having)


def _is_answered_yes(count: int, talking: Talk) -> bool:
    """True when a person says so."""
    environment = talking.environment
    if not talking.may_ask or talking.output.is_json or not environment.is_terminal(environment.stdin):
        return False
    what = "the password that stands there in the clear" if count == 1 else f"the {count} passwords in the clear"
    return click.confirm(f"Put {what} into the keyring?", err=True)


def _conclude(profiles: dict[str, ImportedProfile], stored: tuple[str, ...], talking: Talk, path: str | None) -> None:
    if not profiles:
        talking.output.say(f"no profile can be made of it: {NOTHING}")
        return
    for name in stored:
        talking.inform(f"stored the password of {name} in the keyring; take it out of the other file")
    talking.inform(f"added {', '.join(profiles)} to {path}")
    for name, profile in profiles.items():
        if name not in stored and _needs_login(profile):
            talking.inform(f"next: sendmail-cli login {name}")
        if "from" not in profile.values:
            talking.inform(f"{name} has no From: sendmail-cli profile set {name} --from ADDRESS")


def _needs_login(profile: ImportedProfile) -> bool:
    """True where the password will be looked for in the keyring."""
    values = profile.values
    return "user" in values and "password_command" not in values and values.get("auth") not in NEEDS_NO_PASSWORD


def _fields(
    findings: tuple[Findings, ...],
    profiles: dict[str, ImportedProfile],
    stored: tuple[str, ...],
    default: str | None,
    path: str | None,
) -> dict[str, Any]:
    return {
        "path": path,
        "default": default,
        "profiles": [
            {
                "name": name,
                "values": profile.values,
                "is_password_stored": name in stored,
                "needs_login": name not in stored and _needs_login(profile),
            }
            for name, profile in profiles.items()
        ],
        "files": [{"format": found.format, "path": file} for found in findings for file in found.files],
        "lines": [
            {
                "file": remark.place.file,
                "line": remark.place.line,
                "setting": remark.setting,
                "is_taken": remark.key is not None,
                "key": remark.key,
                "text": remark.text or None,
                "advice": remark.advice or None,
            }
            for found in findings
            for remark in found.remarks
        ],
    }
