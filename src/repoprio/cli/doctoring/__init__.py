"""The command ``repoprio doctor``."""
