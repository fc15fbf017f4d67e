"""pip's own configuration files, as far as a policy reads them."""
