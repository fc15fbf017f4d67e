"""Fetching, shared by pip and the gateway; does not know pip."""
