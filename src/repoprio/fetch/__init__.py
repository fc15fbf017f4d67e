"""Fetching that pip and other clients share; knows no pip."""
