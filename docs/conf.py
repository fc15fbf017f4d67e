"""The manual's site, made by Sphinx: python -m sphinx -W --keep-going -n -b dirhtml docs site."""

from __future__ import annotations

import re
from pathlib import Path

_VERSION = re.compile(r'__version__ = "([^"]+)"')
_PACKAGE = Path(__file__).resolve().parents[1] / "src" / "repoprio" / "__init__.py"

project = "repoprio"
author = "the repoprio authors"
release = next(iter(_VERSION.findall(_PACKAGE.read_text(encoding="utf-8"))))

extensions = ["myst_parser"]
exclude_patterns = ["site"]
# Nothing of the manual is fetched while it is built.
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
nitpicky = True
smartquotes = False  # --check would become a dash
suppress_warnings = [
    "misc.highlighting_failure",  # what a screen says below its command is no language
]

html_theme = "furo"
html_title = "repoprio"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
# The pages' own fonts: nothing is loaded from other sites.
html_theme_options = {"sidebar_hide_name": False}
pygments_style = "tango"
pygments_dark_style = "github-dark"
