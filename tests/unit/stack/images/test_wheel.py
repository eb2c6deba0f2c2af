import base64
import hashlib
import io
import zipfile
from email.parser import Parser

import pytest

from slipway.stack.images.wheel import wheel


@pytest.fixture(scope="module")
def archive():
    return zipfile.ZipFile(io.BytesIO(wheel()[1]))


def test_the_same_files_are_the_same_bytes():
    assert wheel() == wheel()


def test_it_is_named_as_installers_read_it(archive):
    name, version, *tags = wheel()[0].removesuffix(".whl").split("-")
    about = Parser().parsestr(archive.read(f"slipway-{version}.dist-info/METADATA").decode())
    assert (name, about["Name"], about["Version"]) == ("slipway", "slipway", version)
    assert tags == ["py3", "none", "any"]


def test_no_file_bears_the_time_of_its_writing(archive):
    assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert archive.namelist()[:-4] == sorted(archive.namelist()[:-4])


def test_its_record_has_the_digest_of_every_file(archive):
    record = next(name for name in archive.namelist() if name.endswith("/RECORD"))
    lines = dict(line.split(",", 1) for line in archive.read(record).decode().splitlines())
    assert lines.pop(record) == ","
    assert {*lines} == {*archive.namelist()} - {record}
    for path, said in lines.items():
        data = archive.read(path)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert said == f"sha256={digest},{len(data)}"


def test_it_holds_what_runs_in_a_container_and_no_more(archive):
    names = archive.namelist()
    assert {"slipway/__main__.py", "slipway/serve/app.py", "slipway/py.typed"} <= {*names}
    assert [name for name in names if "__pycache__" in name or "/examples/" in name or "/stack/files/" in name] == []
    assert b"slipway = slipway.__main__:main" in archive.read(next(n for n in names if n.endswith("entry_points.txt")))
