"""The grammar of the command line: as a parser, as data and in words."""
