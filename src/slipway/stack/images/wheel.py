"""The installed Slipway in, its wheel out: the same bytes for the same files, from a checkout or from site-packages."""

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import slipway

_ROOT = Path(slipway.__file__).parent
_LEFT_OUT = frozenset({"__pycache__", "examples", "stack/files"})
"""No container makes a project from an example, or renders a stack."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive can hold: the same files are the same bytes, whenever they were written."""


def name() -> str:
    """The wheel's file name."""
    return f"slipway-{_installed().version}-py3-none-any.whl"


def wheel() -> tuple[str, bytes]:
    """The wheel's file name and content: what runs in a container, and nothing else."""
    info = f"slipway-{_installed().version}.dist-info"
    members = {f"slipway/{path}": Path(_ROOT, path).read_bytes() for path in sorted(_files())}
    text = _installed().read_text("METADATA")
    assert text is not None  # pip, uv and hatchling write one
    members[f"{info}/METADATA"] = text.encode()
    members[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: slipway\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members[f"{info}/entry_points.txt"] = b"[console_scripts]\nslipway = slipway.__main__:main\n"
    members[f"{info}/RECORD"] = _record(members, f"{info}/RECORD")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, data in members.items():
            member = zipfile.ZipInfo(path, _EPOCH)
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return name(), content.getvalue()


def _files() -> Iterator[str]:
    for folder, below, names in os.walk(_ROOT):
        inside = Path(folder).relative_to(_ROOT).as_posix()
        within = "" if inside == "." else f"{inside}/"
        below[:] = [name for name in below if not _LEFT_OUT & {name, f"{within}{name}"}]
        yield from (f"{within}{name}" for name in names)


@cache
def _installed() -> metadata.Distribution:
    return metadata.distribution("slipway")


def _record(members: dict[str, bytes], itself: str) -> bytes:
    def line(path: str, data: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return f"{path},sha256={digest},{len(data)}\n"

    return ("".join(line(path, data) for path, data in members.items()) + f"{itself},,\n").encode()
