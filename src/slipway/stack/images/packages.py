"""A project in; what its images lack of what its code imports, and locks of the packages that it asks for, out."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from slipway import processes
from slipway.errors import OutsideError, ProjectError
from slipway.files import write_text
from slipway.project import find_project, read_project
from slipway.project.facts import FILE, Project
from slipway.stack.images.libraries import libraries, model_libraries, served_libraries
from slipway.stack.images.locks import FOLDER, distribution, entries, text_of
from slipway.stack.images.parts import Image, images

_NAMED_OTHERWISE = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "gitpython",
    "mlflow": "mlflow-skinny",
    "psycopg2": "psycopg2-binary",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Distributions by the name that is imported, where it is another one."""


def read_lacking(root: Path) -> Iterator[str]:
    """The same of the project in a folder."""
    return lacking(read_project(root))


def lacking(project: Project) -> Iterator[str]:
    """A sentence for each library that the code imports and an image would not have."""
    everything, served, modelled = libraries(project), served_libraries(project), model_libraries(project)
    for image in images(project):
        if image.content in ("mlflow", "prefect", "proxy"):
            continue
        held = _held(image)
        needed = served if image.content == "api" else everything
        for library in sorted(name for name in needed if package_of(name) not in held):
            yield f"The image `{image.target}` lacks `{library}`, which the code imports: {_remedy(library)}"
        if image.content == "api":
            # A job has what models are commonly made of; what it lacks as well is the estimator's own library.
            known = held | {
                pin.split("==")[0] for part in ("polars", "job", "figures") for pin in entries(text_of(part))
            }
            for library in sorted(name for name in modelled - served if package_of(name) not in known):
                yield f"The image `{image.target}` lacks `{library}`; if the model is made of it: {_remedy(library)}"


def refuse_unlocked(project: Project) -> None:
    """See to it that what is asked for besides is locked: a build would end where it copies the lock.

    Raises:
        ProjectError: a lock is missing, or of other packages than are asked for now.
    """
    for image in images(project):
        path = f"{FOLDER}/{image.extra}.txt"
        place = project.root / path
        if not image.packages:
            continue
        if not place.is_file():
            raise ProjectError(f"{path} is missing: `slipway stack lock` makes it, for {', '.join(image.packages)}.")
        if not place.read_text(encoding="utf-8").startswith(_head(image)):
            raise ProjectError(f"{path} is of other packages than {FILE} asks for now: run `slipway stack lock`.")


def package_of(library: str) -> str:
    """The name under which an imported library is installed, as far as it is known without asking a registry."""
    return distribution(_NAMED_OTHERWISE.get(library, library))


def lock_packages(folder: Path) -> list[str]:
    """Write the locks of the packages that a project asks for; uv asks the registry for their versions. Their paths.

    Raises:
        ProjectError: there are no such packages, or none that fit.
        OutsideError: uv is missing, or the registry can't be reached.
    """
    project = read_project(find_project(folder))
    asked = [image for image in images(project) if image.packages]
    if not asked:
        raise ProjectError(f"{FILE} asks for no packages: name them in [stack] or in a service, as packages = [...].")
    texts = {f"{FOLDER}/{image.extra}.txt": _locked(image) for image in asked}
    for path, text in texts.items():
        write_text(project.root / path, text)
    return list(texts)


def _locked(image: Image) -> str:
    below = "".join(text_of(part) for part in image.parts)
    with tempfile.TemporaryDirectory() as folder:
        asked, held = Path(folder, "asked.in"), Path(folder, "held.txt")
        asked.write_text("\n".join(image.packages) + "\n", encoding="utf-8")
        held.write_text("\n".join(entries(below)) + "\n", encoding="utf-8")
        command = [*_uv(), "pip", "compile", str(asked), "--constraints", str(held), "--generate-hashes", "--no-header"]
        command += ["--no-annotate", "--quiet", "--no-python-downloads", "--python-version", "3.13"]
        command += ["--python-platform", "x86_64-unknown-linux-gnu", "--no-config"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()
        asks = f"{FILE}: packages = {list(image.packages)} of the image `{image.target}`"
        if re.search(r"error sending request|failed to fetch|dns error|could not connect|timed out", said, re.I):
            raise OutsideError(f"{asks}: the package registry can't be reached. uv says: {said}")
        raise ProjectError(f"{asks} can't be had beside what it holds already. uv says: {said}")
    return _head(image) + "".join(entry for pin, entry in entries(done.stdout).items() if pin not in entries(below))


def _head(image: Image) -> str:
    return f"# Made by `slipway stack lock` for the image `{image.target}`: {', '.join(image.packages)}.\n"


def _uv() -> list[str]:
    if (found := shutil.which("uv")) is not None:
        return [found]
    if find_spec("uv") is not None:
        return processes.command("uv")
    raise OutsideError("`slipway stack lock` needs uv, which finds versions and their hashes: pip install uv.")


def _held(image: Image) -> set[str]:
    return {*map(distribution, image.packages)} | {
        pin.split("==")[0] for part in image.parts for pin in entries(text_of(part))
    }


def _remedy(library: str) -> str:
    return f'add packages = ["{package_of(library)}"] to [stack] of {FILE}, then run `slipway stack lock`.'
