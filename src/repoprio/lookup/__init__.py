"""The decision engine: decides which repository serves a name, without I/O; drivers fetch for it. Pure."""
