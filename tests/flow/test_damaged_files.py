"""Every file that a project holds, damaged in every way, and the commands that read it: a message, never a fault."""

import json
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, closing
from pathlib import Path

import pytest

from registry import Registry
from slipway.__main__ import _command, _ended
from slipway.errors import SlipwayError
from slipway.new import repository
from slipway.quick import rendered, unchanged_run
from slipway.records import Prediction, new_id
from slipway.release.ledger import record
from slipway.serve.service import open_service
from slipway.workspace import Workspace, open_project
from written_flats import Flats

MORE = """
[api]
keep_days = 9000
[sources.visits]
sql = "select visits from visits"
max_age = "9d"
[stack.services]
postgres = { kind = "postgres" }
job = { kind = "job", stages = ["flats", "split", "model", "metrics"] }
api = { kind = "api", port = 8081 }
"""

STATUS, RUN, RUNS, SERVE = "status", "run -q", "runs", "serve"
PREDICT, MONITOR, FEEDBACK = "predict new.csv -o out.csv", "monitor --data new.csv", "feedback truths.csv"
JOURNAL, GC, STAGE = "journal --export all.csv", "gc --dry-run", "stage metrics"
SECRETS, RENDER, CHECK = "stack secrets", "stack render", "stack render --check"

RENDERED = "docker/.rendered.json"

READERS = {
    ".slipway/bundles/": (PREDICT, MONITOR, SERVE),
    ".slipway/gates/": (SERVE,),
    ".slipway/live.json": (SERVE, STATUS),
    ".slipway/pipeline.json": (STATUS, RUN),
    ".slipway/proposed.json": (RUN,),
    ".slipway/unchanged.json": (RUN,),
    ".slipway/runs/": (RUNS,),
    ".slipway/slipway.schema.json": (RUN,),
    ".slipway/sources/": (STATUS, RUN),
    ".slipway/state.db": (STATUS, JOURNAL, GC, SERVE, PREDICT),
    ".slipway/spool/": (JOURNAL, FEEDBACK, SERVE),
    ".slipway/stack.json": (RENDER, CHECK),
    ".slipway/locks/": (RUN,),
    ".dvc/": (RUN,),
    ".dvcignore": (RUN,),
    ".gitignore": (STATUS,),
    ".env": (SECRETS, RENDER),
    "compose.yaml": (RENDER, CHECK),
    RENDERED: (CHECK,),
    "secrets/": (SECRETS,),
    "slipway.toml": (STATUS, PREDICT, RENDER),
    "pipeline.py": (STATUS, RUN),
    "tidy.py": (STATUS, STAGE),
    "params.yaml": (STATUS, RUN),
    "dvc.yaml": (RUN, STATUS),
    "dvc.lock": (RUN,),
    "data/raw/": (RUN, STATUS),
    "data/": (STAGE, RUN),
    "models/": (STAGE, RUN),
    "reports/": (STAGE, RUN),
    "new.csv": (PREDICT, MONITOR),
    "truths.csv": (FEEDBACK,),
}
"""The commands that read a file, by the beginning of its path; the first that fits."""

MADE_ANEW = (
    ".slipway/live.json", ".slipway/pipeline.json", ".slipway/proposed.json", ".slipway/unchanged.json",
    ".slipway/runs/", ".slipway/slipway.schema.json", ".slipway/sources/",
)  # fmt: skip
"""Files of ours that nothing is lost with."""


def shaped(content: bytes) -> bytes:
    """JSON with the same keys at the top, whose values are of other kinds."""
    try:
        values = dict(json.loads(content))
    except (ValueError, TypeError):
        return b'{"format": 1, "files": 3, "records": [1], "kept": "a", "snapshot": {"groups": 3}, "stages": "no"}'
    turned = {dict: [1], list: {"a": 1}, str: 5, float: "x", bool: {}, type(None): "z"}
    kept = {k: turned.get(type(v), v) for k, v in values.items()}  # whole numbers stay: a format is one
    return json.dumps(kept).encode()


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "a list": lambda content: b"[]",
    "another object": lambda content: b'{"format": 1}',
    "other shapes": shaped,
    "Latin-1": lambda content: content + "# größe\n".encode("latin-1"),
    "UTF-16": lambda content: content.decode("utf-8", "replace").encode("utf-16"),
    "a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "nulls": lambda content: b"\0" * 300,
    "brackets": lambda content: b"[" * 5000 + b"]" * 5000,
    "a folder": lambda content: None,
    "a link to itself": lambda content: None,
}


class Said:
    """What a command came to, and all that a person sees of it."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has run, is released, and has answered; each command reads something of it."""
    root = tmp_path_factory.mktemp("whole") / "flats"
    root.mkdir()
    flats = Flats(root)
    flats.write("slipway.toml", (root / "slipway.toml").read_text() + MORE)
    flats.write(".env", "POSTGRES_PASSWORD=abc\n")
    flats.write("new.csv", "area,rooms\n50 m2,2\n60 m2,3\n")
    with closing(sqlite3.connect(root / "data/project.db")) as database, database:
        database.execute("CREATE TABLE visits AS SELECT 1 AS visits")
    repository.set_up(root, with_git=False)
    with opened(root) as project:
        ran = project.run()
        assert (ran.report.error, ran.candidate) == (None, 1)
        (entry,) = project.storage.ledger.entries()
        report = project.gate(1)
        record(
            project.storage.ledger,
            "released",
            1,
            bundle=entry.bundle,
            by="ada",
            why="",
            gate=report.digest,
            is_override=True,
        )
        answered = [Prediction(new_id(), time.time(), 1, {"area": "50 m2", "rooms": 2}, "low") for _ in range(9)]
        project.storage.journal.append(answered[:5])
        service = open_service(project.project, project.settings, project.storage)
        service.live.look()
        service.writer.write(answered[5:])
        service.writer.close()
        service.batcher.close()
    flats.write("truths.csv", "id,truth\n" + "".join(f"{each.id},low\n" for each in answered[:3]))
    for command in (RENDER, SECRETS):
        assert call(root, command).code == 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("slipway.pipeline.unchanged._QUIET_NS", -(10**12))
        assert call(root, RUN).code == 0
    assert (root / ".slipway/unchanged.json").is_file()
    return root


def opened(root: Path) -> Workspace:
    project = open_project(root)
    project.__dict__["tracker"] = Registry()
    return project


def call(root: Path, command: str) -> Said:
    """A command in this process: a new one takes a second, and there are hundreds."""
    if command == SERVE:
        return served(root)
    argv = command.split()

    def work() -> int:
        if unchanged_run(argv):
            return 0
        code = rendered(argv)
        return _command(argv) if code is None else code

    with chdir(root):
        return Said(_ended(work), "")


def served(root: Path) -> Said:
    """What a service does when it starts, and for its page."""
    from slipway.serve.pages.evidence import evidence

    try:
        with open_project(root) as project:
            service = open_service(project.project, project.settings, project.storage)
            try:
                service.access.look()
                service.live.look()
                told = json.dumps(service.health())
                list(service.gauges())
                live = service.live.state.live
                return Said(0, told + (evidence(service, live) if live is not None else ""))
            finally:
                service.batcher.close()
                service.writer.close()
    except SlipwayError as error:
        return Said(error.exit_code, str(error))


def files_of(root: Path) -> Iterator[str]:
    """The files, by path; of those that rendering compares byte by byte, `compose.yaml` alone."""
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        is_others = name.startswith((".dvc/cache", "mlruns")) or "__pycache__" in name
        is_compared = name in (".dockerignore", ".env.example") or (name.startswith("docker/") and name != RENDERED)
        if path.is_file() and not is_others and not is_compared:
            yield name


def linked_or_copied(source: str, target: str) -> None:
    if "/bundles/" in source or "/docker/" in source:  # never written to where they are
        os.link(source, target)
    else:
        shutil.copyfile(source, target)


def damaged(whole: Path, root: Path, name: str, damage: str) -> None:
    shutil.rmtree(root, ignore_errors=True)
    ignored = shutil.ignore_patterns("cache", "__pycache__")
    shutil.copytree(whole, root, symlinks=True, ignore=ignored, copy_function=linked_or_copied)
    path = root / name
    content = DAMAGES[damage](path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    elif damage == "a folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)


def readers(name: str) -> tuple[str, ...]:
    return next(commands for start, commands in READERS.items() if name.startswith(start))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_or_made_anew(
    whole: Path, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "flats"
    wrong = []
    caplog.set_level(logging.WARNING)
    for place, name in enumerate(files_of(whole)):
        commands = readers(name)
        command = commands[(place + list(DAMAGES).index(damage)) % len(commands)]
        damaged(whole, root, name, damage)
        caplog.clear()
        said = call(root, command)
        out = capsys.readouterr()
        text = said.text + out.out + out.err + caplog.text
        is_named = any(part in text for part in (name, Path(name).stem, *Path(name).parent.parts[-1:]))
        if said.code not in (0, 1, 2, 3) or "fault of Slipway's own" in text or "/src/slipway/" in text:
            wrong.append(f"{name}, {damage}: `{command}` ended with {said.code}: {text[-600:]}")
        elif said.code and not is_named:
            wrong.append(f"{name}, {damage}: `{command}` ended with {said.code} and does not name it: {text[-300:]}")
        elif name.startswith(MADE_ANEW) and said.code:
            wrong.append(
                f"{name}, {damage}: `{command}` ended with {said.code}, and it could be made anew: {text[-300:]}"
            )
    assert not wrong, "\n\n".join(wrong)
