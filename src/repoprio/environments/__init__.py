"""Python environments: which one is meant, what is installed there, and the hook in it. No pip."""
