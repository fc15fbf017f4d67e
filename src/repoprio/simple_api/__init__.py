"""Reads pages and project lists of the simple repository API (PEP 503, PEP 691). Pure, without pip."""
