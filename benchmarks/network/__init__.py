"""What the network costs: stock pip, uv and repoprio beside each other, on repositories with latency on loopback."""
