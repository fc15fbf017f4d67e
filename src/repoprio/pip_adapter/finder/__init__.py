"""Lookups of pip's finder under a policy."""
