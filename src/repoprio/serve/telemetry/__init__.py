"""Metrics and logs for the operators of a gateway, about its answers and those of its repositories."""
