"""The only part of repoprio that knows pip. `hook` decides whether the rest is loaded at all."""
