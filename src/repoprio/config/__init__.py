"""Reads policies: `policy_files` finds files, `file_text` opens them, `schema` and `build` turn them into a `Policy`."""
