"""Reads policies: `policy_files` finds and opens the files, `schema` and `build` turn them into a `Policy`."""
