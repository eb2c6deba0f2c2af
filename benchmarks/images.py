"""The examples in; the sizes of their images out, beside those of the documents' own Dockerfiles built in the same run.

    python benchmarks/images.py [EXAMPLE…]

A peer is written as its document shows it, or describes it where it shows none: one stage, `pip install` of a list of
requirements. Ours are listed by what takes the room. Needs a Docker engine and a way to the package registries; what
the peers install is kept by BuildKit for the next run.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from engine import Stack, docker, has_engine  # noqa: E402

# The public image brings pip; the one that stands in for it where no registry can be reached does not.
HEAD = """\
FROM python:3.13-slim
WORKDIR /app
RUN --mount=type=bind,from=ghcr.io/astral-sh/uv:0.13,source=/uv,target=/usr/local/bin/uv \\
    uv venv --quiet --seed /venv
ENV PATH=/venv/bin:$PATH
"""
APT = "RUN apt-get update && apt-get install -y {packages}{then}\n"
THEN = "COPY . .\n"
PIP = "RUN pip install {options}-r requirements.txt\n"

LINEAR = "flask numpy pandas scikit-learn sqlalchemy psycopg2-binary joblib"
# One list for the three Dockerfiles, as the containers share one code base. FastAPI as Prefect can be imported with it.
HOUSING = (
    "prefect<3.9 mlflow fastapi<0.150 uvicorn pandas numpy scikit-learn joblib matplotlib seaborn requests pydantic"
)
OBESITY = (
    "pandas numpy scikit-learn xgboost imbalanced-learn matplotlib seaborn mlflow fastapi uvicorn pydantic pytest "
    "pyyaml joblib scipy requests"
)
OBESITY_API = "fastapi uvicorn pydantic pandas numpy scikit-learn xgboost imbalanced-learn joblib"
AWS = 'RUN pip install awscli\nRUN pip install "dvc[s3,gs,azure]==3.55.2"\n'
"""The document's AWS CLI is a zip of 200 MB from a place of its own; the one on the package registry is smaller."""


@dataclass(frozen=True)
class Peer:
    """What the document's own Dockerfile gives."""

    requirements: str
    before: str = ""
    after: str = ""
    options: str = "--no-cache-dir "
    """As is usual; the obesity document, which shows its Dockerfiles, keeps pip's cache."""

    def dockerfile(self) -> str:
        return HEAD + self.before + "COPY requirements.txt .\n" + PIP.format(options=self.options) + self.after + THEN


@dataclass(frozen=True)
class Case:
    """One image of ours, its peer, and the share of the peer's size that is asked."""

    example: str
    layout: str | None
    services: tuple[str, ...]
    target: str
    peer: str
    asked: float
    role: str


PEERS = {
    "linear": Peer(LINEAR),
    "housing": Peer(HOUSING),
    "obesity eze": Peer(
        OBESITY,
        APT.format(packages="git curl", then=" && rm -rf /var/lib/apt/lists/*"),
        'RUN pip install "dvc[s3]"\n',
        "",
    ),
    "obesity ali": Peer(OBESITY, APT.format(packages="git curl wget ca-certificates unzip", then=""), AWS, ""),
    "obesity ali api": Peer(OBESITY_API, APT.format(packages="curl", then=""), options=""),
}
CASES = [
    Case("linear", None, ("model-serve",), "api", "linear", 0.5, "API"),
    Case("linear", None, ("model-train",), "job", "linear", 0.6, "job"),
    Case("housing", None, ("api",), "api", "housing", 0.5, "API"),
    Case("housing", None, ("train",), "train", "housing", 0.6, "job"),
    Case("obesity", "ali", (), "api", "obesity ali api", 0.5, "API"),
    Case("obesity", "ali", ("shell",), "unified", "obesity ali", 0.7, "unified"),
    Case("obesity", "eze", ("shell",), "unified", "obesity eze", 0.7, "unified"),
]

INSIDE = """
import importlib.metadata, json, os, sys
found, seen = {}, set()  # MLflow's distributions name some of each other's files
for each in sorted(importlib.metadata.distributions(), key=lambda one: one.metadata['Name']):
    size = 0
    for file in each.files or ():
        paths = {str(each.locate_file(file)), *compiled(str(each.locate_file(file)))} - seen
        size += sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
        seen |= paths
    found[each.metadata['Name']] = size
print(json.dumps(found))
"""
COMPILED = """
def compiled(path):
    folder, name = os.path.split(path)
    stem = name.removesuffix('.py')
    return [f'{folder}/__pycache__/{stem}.cpython-313.pyc'] if name.endswith('.py') else []
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "examples", nargs="*", metavar="EXAMPLE", help="linear, housing, obesity; all, if none is given"
    )
    asked = parser.parse_args().examples
    if not has_engine():
        sys.exit("there is no Docker engine that answers `docker info`")
    cases = [case for case in CASES if not asked or case.example in asked]
    with tempfile.TemporaryDirectory() as scratch:
        peers = {name: build_peer(name, Path(scratch)) for name in dict.fromkeys(case.peer for case in cases)}
        ours = {case: build(case, Path(scratch)) for case in cases}
    print("| image | Slipway MB | document's MB | ratio | aim |\n|---|---|---|---|---|")
    for case, image in ours.items():
        mine, theirs = megabytes(image), peers[case.peer]
        name = f"{case.example}{f' ({case.layout})' if case.layout else ''}, {case.role}"
        missed = "" if mine / theirs <= case.asked else ": missed"
        print(f"| {name} | {mine:.0f} | {theirs:.0f} | {mine / theirs:.2f} × | ≤ {case.asked} ×{missed} |")
    print("\n| image | base | packages, MB | the rest |\n|---|---|---|---|")
    for case, image in ours.items():
        print(f"| {case.example}{f' ({case.layout})' if case.layout else ''}, {case.role} | {shares(image)} |")


def build_peer(name: str, scratch: Path) -> float:
    """The size of a peer's image, in MB."""
    folder = scratch / "peers" / name.replace(" ", "-")
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("\n".join(PEERS[name].requirements.split()) + "\n")
    (folder / "Dockerfile").write_text(PEERS[name].dockerfile())
    image = f"slipway-bench-peer-{folder.name}"
    docker("build", "--quiet", "--tag", image, str(folder), seconds=3600)
    return megabytes(image)


def build(case: Case, scratch: Path) -> str:
    """The name of an image of ours, built."""
    folder = scratch / "-".join(filter(None, (case.example, case.layout, case.target)))
    folder.mkdir()
    settings = [('layout = "eze"', f'layout = "{case.layout}"')] if case.layout else []
    stack = Stack(folder, case.example, f"bench-{case.example}", settings=settings)
    stack.slipway("stack", "render")
    image = f"slipway-bench-{folder.name}"
    file = next(each for each in stack.folder.rglob("Dockerfile*") if f" AS {case.target}\n" in each.read_text())
    words = ["--quiet", "--file", str(file), "--target", case.target, "--tag", image]
    docker("build", *words, str(stack.folder), seconds=3600)
    return image


def megabytes(image: str) -> float:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def shares(image: str) -> str:
    """The public image, each package of 4 MB or more and the others together, and what is left.

    That is the code; in a unified image also files that MLflow's full distribution has from the skinny one, in a layer
    over theirs.
    """
    base = megabytes("python:3.13-slim")
    sizes = json.loads(docker("run", "--rm", image, "python", "-c", f"import os\n{COMPILED}{INSIDE}"))
    large = sorted(((size / 1e6, name) for name, size in sizes.items() if size >= 4e6), reverse=True)
    others = [size / 1e6 for size in sizes.values() if size < 4e6]
    listed = ", ".join(f"{name} {size:.0f}" for size, name in large)
    rest = megabytes(image) - base - sum(size for size, _ in large) - sum(others)
    return f"{base:.0f} | {listed}, {len(others)} others {sum(others):.0f} | {rest:.1f}"


if __name__ == "__main__":
    main()
