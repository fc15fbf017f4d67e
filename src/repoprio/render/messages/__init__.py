"""The texts of repoprio's messages: sentences, refusals and notices. Pure."""
