"""One resolution under the policy and one of pip alone."""
