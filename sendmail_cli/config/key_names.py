"""What people call the keys of a profile who come from other programs."""

from __future__ import annotations

SECRET_KEYS = frozenset(("password", "passwd", "pass", "passphrase", "secret"))
# What the same thing is called elsewhere.
OTHER_NAMES = {
    "host": "server", "hostname": "server", "port": "server", "smtp_server": "server", "url": "server",
    "username": "user", "login": "user", "ssl": "tls", "starttls": "tls", "tls_starttls": "tls",
    "sender": "from", "address": "from", "email": "from", "helo": "ehlo", "ehlo_name": "ehlo", "domain": "ehlo",
    "passwordeval": "password_command", "pass_cmd": "password_command", "passwordcommand": "password_command",
    "passwordfile": "password_file",
    "certificate": "ca_file", "cafile": "ca_file", "tls_trust_file": "ca_file", "header": "headers",
    "tls_cert_file": "tls_cert", "tls_key_file": "tls_key", "tls_fingerprint": "tls_pin", "pin": "tls_pin",
    "fingerprint": "tls_pin", "tls_min_version": "tls_min", "min_version": "tls_min",
    "proxy_host": "proxy", "socks": "proxy", "http_proxy": "proxy", "all_proxy": "proxy",
    "source_ip": "bind", "source_address": "bind", "interface": "bind", "local_address": "bind",
    "command": "pipe", "program": "pipe", "socket": "server", "protocol": "server", "fallback": "server",
    "bdat": "chunking", "maildomain": "qualify", "defaultdomain": "qualify", "mailname": "qualify",
}  # fmt: skip
