"""A reference document's text in, the commands and requests of its fenced blocks out; and what the documents send."""

import re
from collections.abc import Iterator
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "shared/reference"
"""The documents, where another clone has them too."""

# Every category in it is one that no listing has, and its area and age are numbers where the file has text.
HOUSING_REQUEST = {
    "GrossSquareMeters": 100.0,
    "NetSquareMeters": 80.0,
    "BuildingAge": 10.0,
    "NumberOfRooms": 3.0,
    "district": "district1",
    "HeatingType": "central",
    "StructureType": "concrete",
    "FloorLocation": "middle",
    "address": "123 Main St",
    "AdCreationDate": "2024-01-01",
    "Subscription": "premium",
}

# All sixteen answers: the original's examples left two out that its model needed.
OBESITY_REQUEST = {
    "Gender": "Male",
    "Age": 25.0,
    "Height": 1.75,
    "Weight": 85.0,
    "family_history_with_overweight": "yes",
    "FAVC": "no",
    "FCVC": 2.0,
    "NCP": 3.0,
    "CAEC": "Sometimes",
    "SMOKE": "no",
    "CH2O": 2.5,
    "SCC": "no",
    "FAF": 1.5,
    "TUE": 1.0,
    "CALC": "Sometimes",
    "MTRANS": "Automobile",
}

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SHELLS = ("bash", "sh", "python")
_ELSEWHERE = re.compile(r"^(RUN |CMD |dvc |(?:# +)?docker(?: |-compose ))")
"""A command in a block of another language, or of none: a step of a Dockerfile, a call of Docker or DVC."""
_COMMENT = re.compile(r"(?:^|\s+)#(?= |$).*")
_SECRET = re.compile(r"(?<=PASSWORD=)\S+|[\w.]+@[\w.]+\.\w+")


def commands(text: str) -> list[str]:
    """Every command and request, once, in order; on one line, without its comment, without secrets and addresses."""
    found: dict[str, None] = {}
    for language, block in _FENCE.findall(text):
        for line in _whole_lines(block):
            if language not in _SHELLS:
                if not _ELSEWHERE.match(line):
                    continue
                line = line.removeprefix("#")
            if command := _normalised(line):
                found[command] = None
    return list(found)


def _whole_lines(block: str) -> Iterator[str]:
    """Lines with those that go on after a backslash, within quotes, or as the items of a key, on one."""
    whole = ""
    for line in block.splitlines():
        line = line.strip()
        if whole and line.startswith("#"):  # a comment between the lines of a command
            continue
        whole = f"{whole} {line}".strip()
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip()
        elif whole.startswith("#") or (whole.count("'") % 2 == 0 and not whole.endswith(":")):
            yield whole
            whole = ""


def _normalised(line: str) -> str:
    bare = _COMMENT.sub("", f" {line}")
    return _SECRET.sub("…", " ".join(bare.split()))
