"""Checks the pips and other installers of this machine, each with a real run as this user.

It uses no network: the repositories are on loopback, and other requests are blocked.
"""
