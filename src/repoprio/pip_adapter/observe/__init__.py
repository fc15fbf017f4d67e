"""`mode = "observe"`: pip chooses, and the policy is compared."""
