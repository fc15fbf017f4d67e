"""Facts about the pips and other installers of this machine, each from a real run as this user.

No network: what is asked for lies on loopback, and what would leave the machine is stopped first.
"""
