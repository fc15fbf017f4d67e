"""Compares installed distributions, locks and project lists with the policy; returns findings. Pure."""
