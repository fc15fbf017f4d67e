"""Reads policies: `policy_files` finds files, `file_text` opens them, `schema` and `build` make them a `Policy`."""
