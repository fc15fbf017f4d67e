"""How repoprio gets into pip."""
