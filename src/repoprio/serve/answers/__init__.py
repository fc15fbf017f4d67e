"""Answers of the gateway as HTTP: their headers, notes of them, and the short way to those that are at hand."""
