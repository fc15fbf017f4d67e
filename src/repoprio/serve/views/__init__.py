"""The gateway's pages for people: administrators and users."""
