"""Readers of locks: one module for each format; they read parsed documents. Pure."""
