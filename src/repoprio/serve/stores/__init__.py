"""Where the ownership memory is kept: one SQLite file, or a Redis that gateways of several machines share."""
