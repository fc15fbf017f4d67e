"""Reads pip's own configuration files, as far as repoprio needs them."""
