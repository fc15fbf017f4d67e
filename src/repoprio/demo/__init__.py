"""Two repositories on loopback, and the demo that runs on them."""
