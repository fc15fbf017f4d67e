"""Puts repoprio into pip."""
