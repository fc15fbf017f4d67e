"""Durable state: files that several processes write."""
