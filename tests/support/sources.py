"""A project on disk whose build needs acme, and prints which one it got."""

from __future__ import annotations

PROJECT = '[build-system]\nrequires = ["acme"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import acme, os, zipfile
assert acme.__version__ == "1.0", acme.__version__
def _wheel(folder):
    name = "project-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        info = "project-1.dist-info/"
        told = "Metadata-Version: 2.1\\nName: project\\nVersion: 1\\nRequires-Dist: acme\\n"
        archive.writestr(info + "METADATA", told)
        kind = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        archive.writestr(info + "WHEEL", kind)
        archive.writestr(info + "RECORD", "")
    return name
def build_wheel(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder)
build_editable = build_wheel
"""
