"""Checks of a policy as a whole: errors and warnings. Pure."""
