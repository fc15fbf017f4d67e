"""The simple repository API (PEP 503, PEP 691): what its pages and project lists say. Pure, and without pip."""
