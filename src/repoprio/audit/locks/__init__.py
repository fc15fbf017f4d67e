"""What locks say, whichever tool wrote them: a module for each format, read from parsed documents. Pure."""
