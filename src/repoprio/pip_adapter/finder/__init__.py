"""pip's finder under a policy."""
