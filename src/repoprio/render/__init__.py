"""An explanation as text or JSON. Pure."""
