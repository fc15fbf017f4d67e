"""What administrators and users see of the gateway in a browser."""
