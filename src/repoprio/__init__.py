"""Repository priorities for pip: a higher-priority repository owns every project name it serves."""

__version__ = "0.1.0"
