"""What is said on the wire (RFC 5321): values into bytes, bytes into values; no sockets, no clock, no files."""
