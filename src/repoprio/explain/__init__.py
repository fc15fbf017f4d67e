"""Decisions as data for people: explanations, comparisons, hints. Pure."""
