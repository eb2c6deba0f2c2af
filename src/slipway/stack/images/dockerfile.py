"""A project in, the Dockerfiles of its stack out: for each image a target, built as data and written line by line."""

import json
from collections.abc import Iterable, Iterator
from importlib.resources import files

from slipway.project.facts import Project
from slipway.project.stack import LISTENS
from slipway.stack.heading import comment
from slipway.stack.images import wheel
from slipway.stack.images.locks import FOLDER, distribution, path_of
from slipway.stack.images.parts import Image, images

PYTHON = "python:3.13-slim"
UV = "ghcr.io/astral-sh/uv:0.13"
USER = "10001:10001"

_SYSTEM = {"lightgbm": "libgomp1=1*"}
"""Debian's packages that a wheel counts on, by the distribution; scikit-learn's and XGBoost's bring their own."""

_INSTALL = "uv pip install --quiet --no-python-downloads --python /venv/bin/python --prefix /part --no-deps"
_HOME = "/root"
"""Of whoever installs, in the stages that build."""
_CACHE = f"--mount=type=cache,target={_HOME}/.cache/uv"
SLIM = "docker/slim.sh"

_SCRATCH = "/tmp"  # noqa: S108 - a tmpfs of the container's own, and all that it may write to
_EVERYWHERE = {
    "PATH": "/venv/bin:$PATH",
    "HOME": _SCRATCH,
    "LOGNAME": "slipway",
    "XDG_CACHE_HOME": f"{_SCRATCH}/cache",
    "XDG_CONFIG_HOME": f"{_SCRATCH}/config",
    "XDG_DATA_HOME": f"{_SCRATCH}/data",
    "MPLCONFIGDIR": f"{_SCRATCH}/matplotlib",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "GIT_PYTHON_REFRESH": "quiet",
    "DVC_NO_ANALYTICS": "1",
    "DVC_SITE_CACHE_DIR": f"{_SCRATCH}/dvc",
    "DO_NOT_TRACK": "1",
}


def dockerfiles(project: Project, built: Iterable[Image] | None = None) -> dict[str, str]:
    """The text of each Dockerfile, and of the script that they share, by its path.

    Args:
        built: the project's images, where the caller has them: finding them reads all of the project's code.
    """
    by_file: dict[str, list[Image]] = {}
    for image in images(project) if built is None else built:
        by_file.setdefault(image.dockerfile, []).append(image)
    texts = {file: "\n".join(_lines(project, found)) + "\n" for file, found in by_file.items()}
    return texts | {SLIM: (files("slipway.stack") / "files" / "slim.sh").read_text(encoding="utf-8")}


def _lines(project: Project, found: list[Image]) -> Iterator[str]:
    ours = [image for image in found if image.content != "proxy"]
    yield from comment("[stack]").splitlines()
    if ours:
        yield from _building(found)
    yield from _base(bool(ours))
    if any(_has_code(image) for image in found):
        yield from _code(project, any(image.content == "api" for image in found))
    for image in found:
        yield from _proxy(project, image) if image.content == "proxy" else _image(project, image)


def _building(found: Iterable[Image]) -> Iterator[str]:
    """Stages that install, each beside the others: nothing of them reaches an image but what it copies."""
    yield from ("", f"FROM {UV} AS uv", "", f"FROM {PYTHON} AS build", "COPY --from=uv /uv /usr/local/bin/uv")
    yield f"RUN {_apt('binutils=2.*')}"
    yield "# Bytecode that is trusted as it is: the same each time, and no source is looked at when it is imported."
    yield "ENV UV_LINK_MODE=copy PYC_INVALIDATION_MODE=UNCHECKED_HASH"
    yield "RUN uv venv --quiet --no-python-downloads --python /usr/local/bin/python3 /venv"
    yield "WORKDIR /build"
    yield f"COPY {SLIM} ./"
    for name, lock in _parts(found).items():
        yield from ("", f"FROM build AS {name}", f"COPY {lock} lock.txt", f"RUN {_CACHE} \\")
        yield f"    {_INSTALL} \\"
        # What is in our own locks is known to run slimmed; of other packages nobody has tried it.
        slimmed = "" if name.startswith("build-extra-") else " \\\n    && sh slim.sh /part"
        yield f"    --require-hashes --compile-bytecode --requirements lock.txt{slimmed}"
    if any(_has_code(image) for image in found):
        yield from ("", "# Slipway itself, after the packages: a new one leaves their layers as they are.")
        yield from ("FROM build AS build-slipway", f"COPY docker/{wheel.name()} ./")
        yield from (f"RUN {_INSTALL} \\", "    --compile-bytecode --no-cache ./*.whl \\", "    && sh slim.sh /part")


def _base(has_python: bool) -> Iterator[str]:
    yield from ("", f"FROM {PYTHON} AS base")
    yield "# The public image brings pip, which nothing here calls."
    yield (
        "RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/site-packages/* \\\n"
        "    /usr/local/lib/python3.*/ensurepip \\\n"
        f"    && mkdir -p /app/.slipway /data && chown {USER} /app /app/.slipway /data"
    )
    if has_python:
        yield "COPY --from=build /venv /venv"
    yield "ENV " + " \\\n    ".join(f"{name}={value}" for name, value in _EVERYWHERE.items())
    yield "STOPSIGNAL SIGTERM"
    yield "WORKDIR /app"


def _code(project: Project, has_api: bool) -> Iterator[str]:
    yield from ("", "FROM build AS code", "COPY . /code", "RUN rm -rf /code/docker")
    given = sorted({str(source.path) for source in project.sources.values() if not source.is_snapshot})
    if has_api:
        yield from ("", "# Answering needs neither the data nor the tests.", "FROM code AS code-api")
        yield "RUN rm -rf " + " ".join(f"/code/{path}" for path in ("tests", *given))


def _image(project: Project, image: Image) -> Iterator[str]:
    yield from ("", f"FROM base AS {image.target}")
    for part in _parts([image]):
        yield f"COPY --from={part} /part /venv"
    yield from (
        f"RUN {_apt(package)}" for name, package in _SYSTEM.items() if name in map(distribution, image.packages)
    )
    if _has_code(image):
        yield "COPY --from=build-slipway /part /venv"
    if image.content == "api":
        yield "COPY --from=code-api /code /app"
    elif _has_code(image):
        yield "COPY --from=code /code /code"
        yield f"COPY --from=code --chown={USER} /code /app"
    yield from _closing(project, image, _command(image))


def _proxy(project: Project, image: Image) -> Iterator[str]:
    yield from ("", f"FROM base AS {image.target}")
    yield "# Any 3.x reads the configuration; Debian's security updates stay within it."
    yield f"RUN {_apt('haproxy=3.*')}"
    yield from _closing(project, image, ("haproxy", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"))


def _closing(project: Project, image: Image, command: Iterable[str]) -> Iterator[str]:
    name, _, tag = project.stack.image_of(image.target).rpartition(":")
    yield 'ARG SLIPWAY_COMMIT=""'
    if _has_code(image):
        yield "ENV SLIPWAY_COMMIT=$SLIPWAY_COMMIT"
    labels = {"title": name, "version": tag, "revision": "$SLIPWAY_COMMIT", "base.name": PYTHON}
    yield "LABEL " + " \\\n    ".join(f'org.opencontainers.image.{key}="{value}"' for key, value in labels.items())
    yield f"USER {USER}"
    yield f"CMD {json.dumps(list(command))}"


def _apt(package: str) -> str:
    return (
        f"apt-get update && apt-get install --yes --no-install-recommends '{package}' \\\n"
        "    && rm -rf /var/lib/apt/lists/*"
    )


def _command(image: Image) -> tuple[str, ...]:
    """What it does when nothing else is asked for; a service of Compose says its own."""
    everywhere = ("--host", "0.0.0.0")  # noqa: S104 - of the container's own network
    jobs = [service for service in image.services if service.kind == "job"]
    ports = [service.listen for service in image.services if service.listen is not None]
    match image.content:
        case "api" | "mlflow" | "prefect":
            port = str((*ports, LISTENS[image.content])[0])
            server = {"api": ("slipway", "serve"), "mlflow": ("mlflow", "server")}
            return (*server.get(image.content, ("prefect", "server", "start")), *everywhere, "--port", port)
        case "test":
            return ("pytest",)
        case _ if len(jobs) == 1:
            return ("slipway", "job", jobs[0].name)
        case _:
            return ("slipway", "status")


def _parts(found: Iterable[Image]) -> dict[str, str]:
    """The stages that install, with their locks."""
    stages = {f"build-{part}": path_of(image, part) for image in found for part in image.parts}
    return stages | {f"build-{image.extra}": f"{FOLDER}/{image.extra}.txt" for image in found if image.packages}


def _has_code(image: Image) -> bool:
    return image.content not in ("mlflow", "prefect", "proxy")
