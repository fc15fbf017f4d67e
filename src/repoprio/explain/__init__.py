"""Decisions as data for reports: explanations, comparisons, remedies. Pure."""
