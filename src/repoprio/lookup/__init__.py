"""The decision engine: which repository serves a name. A machine without I/O that others drive. Pure."""
