"""From text to policy: `places` finds and opens the files, `schema` and `read` turn them into a `Policy`."""
