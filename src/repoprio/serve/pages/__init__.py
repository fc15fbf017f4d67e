"""Project pages as the gateway serves them, and the files that it relays."""
