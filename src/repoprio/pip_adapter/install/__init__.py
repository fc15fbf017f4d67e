"""What pip is about to install and remove."""
