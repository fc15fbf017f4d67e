"""Commands that look and install nothing."""
