"""What callers name besides the policy: indexes, direct URLs and locked files."""
