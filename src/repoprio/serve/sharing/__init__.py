"""Pages that gateways of one policy share: what one of them fetched serves the others, for as long as it counts."""
