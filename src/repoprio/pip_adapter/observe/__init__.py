"""`mode = "observe"`: pip chooses as usual, and its choices are compared with the policy."""
