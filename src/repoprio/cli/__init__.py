"""The command line: arguments to objects to exit status. The only place that prints."""
