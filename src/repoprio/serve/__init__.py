"""The gateway: one index for every client, under the same policy. Imports no pip."""
