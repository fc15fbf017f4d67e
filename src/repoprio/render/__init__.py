"""Renders results as text, JSON and SARIF. Pure."""
