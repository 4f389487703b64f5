"""The domain's autoconfig: the XML that tells mail programs their servers (draft-ietf-mailmaint-autoconfig).

What comes from the network is hostile until it is read: no document type and so no entities, a limit of size, and
only servers that speak TLS.
"""

from __future__ import annotations

from urllib.parse import quote
from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser

from sendmail_cli.config.discovery.candidates import Candidate, Source, known, public_host, user_for
from sendmail_cli.config.providers import ADDRESS, Credential
from sendmail_cli.errors import DataError
from sendmail_cli.printable import find_control, printable
from sendmail_cli.server import TLSMode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from sendmail_cli.addresses import AddrSpec

MAX_OCTETS = 256 * 1024
MAX_SERVERS = 10
MAX_USER = 320  # octets of an address: 64, “@”, 255
_SOCKET_TYPES = {"SSL": TLSMode.IMPLICIT, "STARTTLS": TLSMode.STARTTLS}
_PASSWORDS = frozenset(("password-cleartext", "password-encrypted", "plain", "secure"))  # the last two: its first draft


class Autoconfig(NamedTuple):
    """The servers that it names, the preferred first, and why others were left out."""

    candidates: tuple[Candidate, ...]
    refusals: tuple[str, ...]


def autoconfig_urls(address: AddrSpec) -> tuple[str, ...]:
    """Where the domain of `address` may have it, in their order; https alone."""
    domain = address.domain
    query = f"emailaddress={quote(str(address), safe='@')}"
    return (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml?{query}",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )


def parse_autoconfig(octets: bytes, address: AddrSpec) -> Autoconfig:
    """What the document says of submission. Raises `DataError` for what is no such document."""
    if len(octets) > MAX_OCTETS:
        raise DataError(f"it is longer than {MAX_OCTETS // 1024} kB")
    root = _parse(octets)
    if root.tag != "clientConfig":
        raise DataError("it is no autoconfig: another kind of document")
    candidates: list[Candidate] = []
    refusals: list[str] = []
    for server in root.findall("emailProvider/outgoingServer")[:MAX_SERVERS]:
        if server.get("type") != "smtp":
            continue
        found = _candidate(server, address)
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            refusals.append(found)
    return Autoconfig(tuple(dict.fromkeys(candidates)), tuple(refusals))


class _StrictBuilder(TreeBuilder):
    def doctype(self, name: str, pubid: str, system: str) -> None:
        """Entities are declared in a document type: without one there are no bombs and no foreign files."""
        raise DataError("it has a document type, which such a file never needs")


def _parse(octets: bytes) -> Element:
    parser = XMLParser(target=_StrictBuilder())  # noqa: S314 - it refuses what that rule is about
    try:
        parser.feed(octets)
        return parser.close()
    except ParseError as error:
        line, column = error.position
        raise DataError(f"it is no XML: line {line}, column {column}") from None
    except (ValueError, LookupError):  # encodings that expat leaves to Python
        raise DataError("it is no XML: an encoding that can't be read") from None


def _candidate(server: Element, address: AddrSpec) -> Candidate | str:
    """The server, or why it can't be taken."""
    hostname = _filled(_text(server, "hostname"), address)
    host, port = public_host(hostname), _text(server, "port")
    if host is None:
        return f"{printable(hostname, 80) or 'a server without a name'}: no host name"
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        return f"{host}: no port"
    tls = _SOCKET_TYPES.get(_text(server, "socketType").upper())
    if tls is None:
        return f"{host}:{port}: without TLS, so it is not used"
    methods = {(each.text or "").strip().lower() for each in server.findall("authentication")}
    is_token_only = "oauth2" in methods and not methods & _PASSWORDS
    candidate = known(Candidate(host, int(port), tls, Source.AUTOCONFIG))
    if candidate.provider is not None:
        return candidate
    user = _filled(_text(server, "username"), address)
    if not user or len(user.encode("utf-8", "surrogatepass")) > MAX_USER or find_control(user) is not None:
        user = user_for(ADDRESS, address)
    return candidate._replace(user=user, credential=Credential.OAUTH if is_token_only else Credential.PASSWORD)


def _text(server: Element, tag: str) -> str:
    found = server.find(tag)
    return "" if found is None or found.text is None else found.text.strip()


def _filled(text: str, address: AddrSpec) -> str:
    values = {
        "%EMAILADDRESS%": str(address),
        "%EMAILLOCALPART%": address.local_part,
        "%EMAILDOMAIN%": address.domain,
    }
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text
