"""Shares pages between gateways with the same policy: a page that one fetched serves the others while it counts."""
