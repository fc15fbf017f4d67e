"""Pages and logins over pip's session."""
