"""What the gateway tells those who run it: numbers about its answers, and about those of its repositories."""
