"""Checks what pip is about to install and remove."""
