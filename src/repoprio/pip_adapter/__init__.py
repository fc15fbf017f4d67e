"""The only part of repoprio that knows pip. `hooks.import_hook` decides whether the rest is loaded at all."""
