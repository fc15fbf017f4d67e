"""Compares a resolution under the policy with one of plain pip."""
