"""What is said: a message by RFC 5322 and RFC 2045, as 7-bit bytes that can be read more than once."""
