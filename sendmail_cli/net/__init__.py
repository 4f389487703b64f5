"""Bytes: names to a connected socket, deadlines, TLS; errors of the operating system become ours."""
