"""What the enhanced status codes of RFC 3463 and of the IANA registry mean, in plain words.

The sentences follow the rules of `explanation`.
"""

from __future__ import annotations

from sendmail_cli.smtp.explanations.explanation import Explanation

_CHECK_ADDRESS = "Check the address for typing errors, and send again later if it is right."
_TELL_RECIPIENT = "Tell the recipient by other means: only they or their provider can put it right."
_SEND_LATER = "Send again later, and ask the provider if it keeps failing."
_SMALLER = "Make the attachments smaller, or send a link to them instead."
_PLAIN_ADDRESS = "Use an address without letters such as ü."
_VOUCH = "Send through the provider of the address in `--from`, or have SPF, DKIM and DMARC set up."
_ENCRYPT = "Use `--tls implicit` on port 465 or `--tls starttls` on port 587."

# (class, subject, detail) → meaning, advice. Class None stands for both kinds of refusal, 4 and 5.
_TEXTS: dict[tuple[int | None, int, int], tuple[str, str]] = {
    (2, 0, 0): ("It worked; the server gives no details.", ""),
    (4, 0, 0): ("The server has a temporary problem and does not say which.", _SEND_LATER),
    (5, 0, 0): (
        "The server refused for good and does not say why in its code.",
        "Look in the server's own words for the reason, or ask its operator.",
    ),
    # X.1: addresses
    (None, 1, 0): (
        "Something is wrong with an address.",
        "Check the sender's and the recipient's address for typing errors.",
    ),
    (None, 1, 1): (
        "There is no mailbox with this address.",
        "Check the part before the @ for typing errors, or ask the recipient for the right address.",
    ),
    (4, 1, 1): ("The server cannot find the mailbox at the moment.", _CHECK_ADDRESS),
    (None, 1, 2): (
        "The domain of the recipient's address does not exist or has no mail server.",
        "Check the part after the @ for typing errors.",
    ),
    (4, 1, 2): ("The domain of the recipient's address cannot be found at the moment.", _CHECK_ADDRESS),
    (None, 1, 3): (
        "The recipient's address is not written correctly.",
        "Write it like name@example.com, without spaces or stray punctuation.",
    ),
    (None, 1, 4): (
        "The address fits more than one mailbox.",
        "Ask the recipient for an address that is theirs alone.",
    ),
    (2, 1, 5): ("The recipient's address is valid.", ""),
    (None, 1, 6): (
        "The mailbox has moved, and nobody left a new address.",
        "Ask the recipient for the new address.",
    ),
    (None, 1, 7): (
        "The sender's address is not written correctly.",
        "Correct it with `--from`, or for good with `sendmail-cli profile set`.",
    ),
    (None, 1, 8): (
        "The domain of the sender's address does not exist or cannot receive answers.",
        "Send from an address that works with `--from`.",
    ),
    (4, 1, 8): (
        "The domain of the sender's address cannot be found at the moment.",
        "Check the address in `--from`, and send again later if it is right.",
    ),
    (2, 1, 9): ("The message went on to a system that will not report what becomes of it.", ""),
    (None, 1, 10): (
        "The recipient's domain declares that it takes no mail.",
        "Check the part after the @ for typing errors, because this domain has no mailboxes.",
    ),
    # X.2: the recipient's mailbox
    (None, 2, 0): ("Something is wrong with the recipient's mailbox.", _TELL_RECIPIENT),
    (4, 2, 0): ("The recipient's mailbox cannot take the message for now.", _SEND_LATER),
    (None, 2, 1): ("The mailbox exists but is closed to messages.", _TELL_RECIPIENT),
    (4, 2, 1): ("The mailbox takes no messages for the moment.", _SEND_LATER),
    (None, 2, 2): (
        "The recipient's mailbox is full.",
        "Tell the recipient by other means, and send again when there is room.",
    ),
    (None, 2, 3): ("The message is bigger than this mailbox allows.", _SMALLER),
    (None, 2, 4): (
        "The server could not work out who belongs to the mailing list.",
        "Tell the owner of the list, or write to its members directly.",
    ),
    # X.3: the recipient's mail system
    (None, 3, 0): ("Something is wrong with the mail system.", _TELL_RECIPIENT),
    (4, 3, 0): ("The mail system has a temporary problem.", _SEND_LATER),
    (None, 3, 1): ("The mail system has no storage left.", _SEND_LATER),
    (None, 3, 2): ("The mail system takes no messages now, perhaps for maintenance.", _SEND_LATER),
    (None, 3, 3): (
        "The mail system lacks a feature that the message asks for.",
        "Send without special options; `sendmail-cli check` shows what the server offers.",
    ),
    (None, 3, 4): ("The message is bigger than the mail system allows.", _SMALLER),
    (None, 3, 5): ("The mail system is set up wrongly for this message.", _TELL_RECIPIENT),
    (2, 3, 6): ("The message was accepted, but not with the priority you asked for.", ""),
    # X.4: network and routing
    (None, 4, 0): ("A network problem keeps the message from going on.", _SEND_LATER),
    (None, 4, 1): ("The recipient's server did not answer.", _SEND_LATER),
    (None, 4, 2): ("The connection to the recipient's server broke.", _SEND_LATER),
    (None, 4, 3): ("The server could not look up where to deliver, usually a DNS fault.", _SEND_LATER),
    (None, 4, 4): (
        "The server found no way to the recipient's domain.",
        "Check the part of the address after the @ for typing errors.",
    ),
    (None, 4, 5): ("The mail system is overloaded.", _SEND_LATER),
    (None, 4, 6): (
        "The message went round in a circle between servers.",
        "Tell the recipient by other means that a forwarding leads back to itself.",
    ),
    (None, 4, 7): (
        "The message could not be delivered in time and was given up.",
        "Check the address, and send the message again.",
    ),
    # X.5: the dialogue between client and server
    (None, 5, 0): (
        "The server and this client misunderstood each other.",
        "Check host and port with `sendmail-cli check`.",
    ),
    (None, 5, 1): (
        "A command is unknown to the server or came at the wrong moment.",
        "See with `sendmail-cli check` what the server offers and whether a login is missing.",
    ),
    (None, 5, 2): (
        "The server could not read a command, usually because of an odd address.",
        "Check every address for stray characters.",
    ),
    (None, 5, 3): (
        "The message has more recipients than the server allows.",
        "Spread the recipients over several messages.",
    ),
    (4, 5, 3): (
        "The server takes no more recipients for now: the limit of a message or of a day is reached.",
        "Send to the remaining recipients in another message, a day later if that fails too.",
    ),
    (None, 5, 4): (
        "The server does not accept a detail of a command.",
        "Check the addresses, and send without special options.",
    ),
    (None, 5, 5): (
        "The server speaks another version of the mail protocol.",
        "Ask the provider for the right server, and name it with `-S HOST:PORT`.",
    ),
    (None, 5, 6): (
        "The login is longer than the server can take.",
        "Ask the provider for a shorter password or another way to log in.",
    ),
    # X.6: content
    (None, 6, 0): (
        "Something in the content keeps the message from being delivered.",
        "Send it as plain text or without attachments to find the culprit.",
    ),
    (None, 6, 1): (
        "The recipient's system does not take this kind of content.",
        "Send the attachment in a common format such as PDF.",
    ),
    (None, 6, 2): (
        "The content would have to be converted on the way, and that is forbidden.",
        "Send the message in a plainer form.",
    ),
    (None, 6, 3): (
        "The content would have to be converted on the way, and a server cannot do that.",
        "Send the message in a plainer form, without 8-bit text in a ready message.",
    ),
    (2, 6, 4): (
        "The message was delivered, but some of its content was lost in a conversion.",
        "Send anything important again in a plainer form.",
    ),
    (None, 6, 4): (
        "A conversion on the way would lose content, and that is forbidden.",
        "Send the message in a plainer form, such as plain text.",
    ),
    (None, 6, 5): (
        "The content had to be converted on the way, and that failed.",
        "Send the message in a plainer form, such as text with a PDF.",
    ),
    (None, 6, 6): (
        "The server could not fetch content that the message refers to.",
        "Attach the content itself, or send again later.",
    ),
    (None, 6, 7): (
        "An address has letters such as ü, which the server or the recipient does not take.",
        _PLAIN_ADDRESS,
    ),
    (None, 6, 8): ("The server's answer needs letters such as ü, which were not allowed.", _PLAIN_ADDRESS),
    (None, 6, 9): ("A header has letters such as ü, which a recipient's server cannot take.", _PLAIN_ADDRESS),
    (None, 6, 10): ("The server would have to answer with letters such as ü, and may not.", _PLAIN_ADDRESS),
    # X.7: security and policy
    (None, 7, 0): (
        "A rule or a security check of the server stopped the message.",
        "Look in the server's own words for the rule, or ask its operator.",
    ),
    (4, 7, 0): ("A rule or a security check of the server makes the message wait.", _SEND_LATER),
    (None, 7, 1): (
        "The server's rules forbid this message because of who you are, the recipient or the content.",
        "Look in the server's words for the rule; if they speak of relaying, run `sendmail-cli login PROFILE`.",
    ),
    (4, 7, 1): (
        "The server does not let you send this message for now.",
        "Send again in a quarter of an hour, because new senders often have to wait once.",
    ),
    (None, 7, 2): (
        "You may not send to this mailing list.",
        "Send from the subscribed address with `--from`, or ask the owner of the list.",
    ),
    (None, 7, 3): (
        "The message would have to change to another kind of encryption, which is not possible.",
        "Ask the recipient which kind of encryption their system takes.",
    ),
    (None, 7, 4): (
        "The server does not support a security feature, such as the chosen way to log in.",
        "Try `--tls starttls`, and see with `sendmail-cli check` what the server offers.",
    ),
    (None, 7, 5): (
        "A signature, certificate or key could not be checked.",
        "Check that certificates and keys are current, or ask the provider.",
    ),
    (None, 7, 6): (
        "The message or connection uses an encryption method that the server does not know.",
        "Use a more common method, or ask the provider which ones work.",
    ),
    (None, 7, 7): ("The message was damaged or changed on its way.", "Send the message again."),
    (None, 7, 8): (
        "The user name or the password is wrong.",
        "Check both, or get an app password if the provider has them, and run `sendmail-cli login PROFILE`.",
    ),
    (None, 7, 9): (
        "The server wants a safer way to log in than this password.",
        "Create an app password at your provider, and store it with `sendmail-cli login PROFILE`.",
    ),
    (None, 7, 10): ("The server wants a better encrypted connection before the login.", _ENCRYPT),
    (None, 7, 11): ("This way to log in needs an encrypted connection.", _ENCRYPT),
    (None, 7, 12): (
        "Your password on the server must be converted before this way to log in works.",
        "Log in once with the PLAIN method, or change the password on the provider's web page.",
    ),
    (None, 7, 13): (
        "The password is right, but the account has been disabled.",
        "Ask your provider or administrator to enable the account again.",
    ),
    (None, 7, 14): (
        "The server may not fetch part of the message from another server that does not trust it.",
        "Attach the content itself.",
    ),
    (None, 7, 15): (
        "The server takes only messages of a higher priority now.",
        "Send again later, or with a higher priority.",
    ),
    (None, 7, 16): ("The message is too big for its priority.", _SMALLER),
    (None, 7, 17): (
        "The mailbox has another owner than at the date you gave.",
        "Ask the person you mean for their present address.",
    ),
    (None, 7, 18): (
        "The domain has another owner than at the date you gave.",
        "Ask the person you mean for an address elsewhere.",
    ),
    (None, 7, 19): (
        "The server cannot tell whether the mailbox still belongs to the same person.",
        "Make sure of the address, and send without asking for this check.",
    ),
    (None, 7, 20): ("The message carries no valid DKIM signature.", _VOUCH),
    (None, 7, 21): ("The message has a valid DKIM signature, but none that the server trusts.", _VOUCH),
    (None, 7, 22): ("No valid DKIM signature comes from the domain of the sender's address.", _VOUCH),
    (None, 7, 23): ("The sender's domain does not list this server as one of its own (SPF).", _VOUCH),
    (None, 7, 24): (
        "The SPF record of the sender's domain is broken or cannot be read.",
        "Have whoever runs the domain repair its SPF record.",
    ),
    (None, 7, 25): (
        "The sending computer's network address has no matching name in DNS.",
        "Send through your provider's mail server with `-S HOST:PORT`.",
    ),
    (None, 7, 26): ("The message failed several checks of whether its sender is genuine.", _VOUCH),
    (None, 7, 27): (
        "The domain of the sender's address declares that it takes no mail.",
        "Send from an address that can receive answers with `--from`.",
    ),
    (None, 7, 28): (
        "The server sees a flood of similar messages.",
        "Stop for some hours, and then send fewer messages at a time.",
    ),
    (None, 7, 29): (
        "The record of the servers that forwarded the message (ARC) is broken.",
        "Send directly to the final address instead of one that forwards.",
    ),
    (None, 7, 30): (
        "The way to the recipient is not encrypted throughout, as was demanded (REQUIRETLS).",
        "Send it without that demand; Microsoft uses this code when password login is off.",
    ),
}

# (subject, detail) of codes that came after RFC 3463, whose §3 has one part for each subject.
_LATER_SOURCES = {
    (1, 9): "RFC 3886",
    (1, 10): "RFC 7505",
    (3, 6): "RFC 6710",
    (5, 6): "RFC 4954 §6",
    (6, 6): "RFC 4468",
    **dict.fromkeys([(6, 7), (6, 8), (6, 9), (6, 10)], "RFC 6531"),
    **dict.fromkeys([(7, 8), (7, 9), (7, 11), (7, 12)], "RFC 4954 §6"),
    **dict.fromkeys([(7, 10), (7, 13), (7, 14)], "RFC 5248"),
    **dict.fromkeys([(7, 15), (7, 16)], "RFC 6710"),
    **dict.fromkeys([(7, 17), (7, 18), (7, 19)], "RFC 7293"),
    **dict.fromkeys([(7, detail) for detail in range(20, 27)], "RFC 7372"),
    (7, 27): "RFC 7505",
    (7, 28): "IANA registry",
    (7, 29): "RFC 8617",
    (7, 30): "RFC 8689",
}

ENHANCED_CODES: dict[tuple[int | None, int, int], Explanation] = {
    (class_, subject, detail): Explanation(
        meaning, advice, _LATER_SOURCES.get((subject, detail), f"RFC 3463 §3.{subject + 1}")
    )
    for (class_, subject, detail), (meaning, advice) in _TEXTS.items()
}
