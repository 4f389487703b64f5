"""What `send` asks of the server for the whole message: reports, TLS on every hop, all or none, further parameters."""

from __future__ import annotations

from sendmail_cli.cli.groups import option
from sendmail_cli.cli.options import stack
from sendmail_cli.cli.params import ENVID, NOTIFY, PARAMETER, RET
from sendmail_cli.errors import UsageError
from sendmail_cli.smtp.envelope import Demands
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.smtp.envelope import Notify

TLS_REQUIRED_NO = ("TLS-Required", "No")  # RFC 8689 §5

delivery_options = stack(
    option(
        "--all-or-none",
        is_flag=True,
        section="Delivery",
        help="Nobody gets it unless the server takes every recipient. Without it those who are taken get it.",
    ),
    option(
        "--notify",
        type=NOTIFY,
        section="Delivery",
        help="Ask for reports (RFC 3461) on success, failure or delay, several with commas; or never for none at all.",
    ),
    option(
        "--ret", type=RET, section="Delivery", help="Have reports bring back the full message, or its headers alone."
    ),
    option("--envid", type=ENVID, section="Delivery", help="Have reports name this id; at most 100 characters."),
    option(
        "--requiretls",
        is_flag=True,
        section="Delivery",
        help="Have every server on the way use verified TLS, or give up (RFC 8689).",
    ),
    option(
        "--tls-optional",
        is_flag=True,
        section="Delivery",
        help="Let servers on the way deliver without TLS rather than not at all: TLS-Required: No (RFC 8689).",
    ),
    option(
        "--mail-param",
        multiple=True,
        type=PARAMETER,
        section="Delivery",
        help="Say this parameter after MAIL; the server must offer its extension.",
    ),
    option(
        "--rcpt-param",
        multiple=True,
        type=PARAMETER,
        section="Delivery",
        help="Say this parameter after each RCPT; the server must offer its extension.",
    ),
)


def demands(values: dict[str, Any]) -> tuple[Demands, tuple[Notify, ...]]:
    """The options of `delivery_options`, taken out of a command's `values`; --tls-optional becomes a header field."""
    asked = Demands(
        ret=values.pop("ret"),
        envid=values.pop("envid"),
        require_tls=values.pop("requiretls"),
        mail_parameters=values.pop("mail_param"),
        rcpt_parameters=values.pop("rcpt_param"),
        all_or_none=values.pop("all_or_none"),
    )
    if values.pop("tls_optional"):
        if asked.require_tls:
            raise UsageError("--requiretls and --tls-optional ask for the opposite; give one of them")
        for mode in ("raw", "resend"):
            if values[mode] is None:
                continue
            raise UsageError(
                f"--{mode} sends a ready message as it is, so --tls-optional can't be given with it",
                hint="It is a header field: write “TLS-Required: No” into the message.",
            )
        values["header"] = (*values["header"], TLS_REQUIRED_NO)
    return asked, values.pop("notify") or ()
