"""What the tests need to run a real pip against real repositories on loopback."""
