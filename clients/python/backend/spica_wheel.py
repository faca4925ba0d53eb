"""Makes the wheel of Spica's Python client, for pip (PEP 517): two modules and a command, nothing to build."""

import base64
import hashlib
import os
import re
import zipfile

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MODULES = ("spica.py", "spica_spawn.py")
_METADATA = """Metadata-Version: 2.1
Name: spica-client
Version: {version}
Summary: Spica's client, and the drop-in for the older spica_spawn module
License: MIT
Requires-Python: >=3.9
"""
_WHEEL = "Wheel-Version: 1.0\nGenerator: spica_wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_COMMANDS = "[console_scripts]\nspica-spawn = spica_spawn:main\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {name: _read(name) for name in _MODULES}
    version = re.search(r'^__version__ = "(.+)"$', files["spica.py"].decode(), re.MULTILINE).group(1)
    info = f"spica_client-{version}.dist-info"
    files[f"{info}/METADATA"] = _METADATA.format(version=version).encode()
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    files[f"{info}/entry_points.txt"] = _COMMANDS.encode()
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    wheel = f"spica_client-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel


def _read(name):
    with open(os.path.join(_HERE, name), "rb") as file:
        return file.read()


def _digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
