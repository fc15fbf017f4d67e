"""The command line: what it takes, as a parser, as data and in words."""
