"""What a policy is: its repositories and pins, and which of them may serve a name. Pure."""
