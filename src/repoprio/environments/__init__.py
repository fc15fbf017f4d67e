"""Python environments: which one a command is about, what is installed there, and the hook in it. Without pip."""
