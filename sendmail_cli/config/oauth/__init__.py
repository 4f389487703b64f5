"""Signing in by a token that a provider gives (OAuth 2), in place of a password."""
