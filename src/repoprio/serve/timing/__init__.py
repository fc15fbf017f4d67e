"""Time in the gateway: the clock for the age of answers, and pauses in which work that no client waits for is done."""
