"""Commands that use pip, and install nothing."""
