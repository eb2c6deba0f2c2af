"""What is known of an opened project's stages: what each would run with, what it last ran with, and how they differ."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from slipway.pipeline.code import Code, read_code
from slipway.pipeline.contents import Content, Contents, Signature
from slipway.pipeline.fingerprint import Fingerprint, changes, is_same_setting
from slipway.pipeline.globs import source_md5
from slipway.pipeline.graph import inputs_of, order, outputs_of
from slipway.pipeline.lock import Ran, adoption, command_files, compared_params, dependencies
from slipway.pipeline.params import FILE as PARAMS
from slipway.pipeline.params import file_and_key
from slipway.pipeline.snapshots import due, read_snapshot
from slipway.pipeline.state import read_state, write_state
from slipway.pipeline.vouched import vouch
from slipway.project.facts import Project, Source
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.pipeline.locked import LockedFile, LockedStage

_NO_CODE = Code({}, {}, {}, ())


class Book:
    """Opened at the start of a run and closed at its end. Without changes it needs the standard library alone."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self._project = project
        self._folder = settings.state
        self._path = settings.state / "pipeline.json"
        self._state = read_state(self._path)
        self._is_altered = False
        self._code: dict[str, Code] | None = None
        self.contents = Contents(project.root, self._state.files)

    @property
    def code(self) -> Mapping[str, Code]:
        """What each stage's function reaches."""
        if self._code is None:
            self._code = read_code(self._project, self._state, self.contents)
        return self._code

    def modules(self) -> dict[str, tuple[str, ...]]:
        """The files of code that each stage reaches."""
        return {name: code.modules for name, code in self.code.items()}

    def params(self, sets: Iterable[str] = (), *, complete: bool = True) -> Mapping[str, Mapping[str, Any]]:
        """The settings of every stage; `params.yaml` is parsed only when it, or a default, has changed.

        Args:
            sets: settings to write into the file first.
            complete: whether to write what the file lacks.
        """
        from slipway.pipeline.params import complete_params, read_params

        sets = tuple(sets)
        if sets:
            from slipway.pipeline.set_value import set_value

            sets = tuple(text for text in sets if not set_value(self._project, text))
        defaults = {name: _listed(settings) for name, settings in self._project.defaults.items()}
        kept, content = self._state.params, self.contents.content(PARAMS)
        is_known = kept and kept["defaults"] == defaults and kept["md5"] == (content[0] if content else None)
        # Of a file that was only read it is not known that it has all: `status` may come before the first run.
        if not is_known or sets or (complete and not kept.get("is_complete")):
            values = complete_params(self._project, sets) if complete else read_params(self._project)
            content = self.contents.content(PARAMS)
            md5 = content[0] if content else None
            self._state.params = {"defaults": defaults, "md5": md5, "values": values, "is_complete": complete}
            self._is_altered = True
        read: Mapping[str, Mapping[str, Any]] = self._state.params["values"]
        return {**read, **self._looked_up()}

    def reasons(
        self, name: str, params: Mapping[str, Any], unknown: frozenset[str] = frozenset(), *, is_running: bool = True
    ) -> tuple[str, ...]:
        """Why a stage has to run, or a source has to be asked; empty when it does not.

        Args:
            unknown: inputs whose content is not known yet, and which are not compared.
            is_running: a run also asks where nothing but the answer tells whether rows have come in.
        """
        project, record = self._project, self._state.records.get(name)
        adopted = adoption(project, name)
        if adopted is not None and adopted.frozen:
            return ()
        if record is None:
            return ("never ran",)
        now = self.fingerprint(name, params, unknown)
        found = changes(name, Fingerprint.from_json(record["fingerprint"]), now, unknown)
        why = (*found, *self._missing(name)) or tuple(self._edited(name, record))
        if name in project.sources:
            why += tuple(due(project.sources[name], read_snapshot(self._folder, name), is_running=is_running))
        return (*why, "always_changed in dvc.yaml") if adopted is not None and adopted.always else why

    def fingerprint(self, name: str, params: Mapping[str, Any], unknown: frozenset[str] = frozenset()) -> Fingerprint:
        """What a stage would run with now."""
        project = self._project
        inputs: dict[str, str | None] = {}
        for artifact in inputs_of(project, name):
            inputs[artifact] = None if artifact in unknown else self._artifact_md5(artifact)
            if artifact in project.sources and project.labelled(artifact).is_file():
                inputs[f"labelled rows of {artifact}"] = self._md5(
                    str(project.labelled(artifact).relative_to(project.root))
                )
        for path in command_files(project, name):
            inputs[str(path)] = self._md5(str(path))
        settings = _listed(params.get(name, {}))
        if name in project.sources:
            mark, fetched = _source_mark(project.sources[name]), self.code.get(name, _NO_CODE)
            return Fingerprint(mark, fetched.parts, fetched.libraries, settings, inputs, fetched.values)
        command = project.stages[name].command
        if command is not None:
            return Fingerprint({"command": "\n".join(command.lines)}, {}, {}, settings, inputs)
        code = self.code[name]
        return Fingerprint(_mark(project, name), code.parts, code.libraries, settings, inputs, code.values)

    def files(self, name: str) -> dict[str, Signature | None]:
        """The files that a stage depends on, with what shows whether they are touched while it runs."""
        found = dependencies(self._project, name, self.modules().get(name, ()))
        return {path: self.contents.signature(path) for path in found}

    def record(self, name: str, params: Mapping[str, Any], began_with: Mapping[str, Signature | None]) -> None:
        """Keep what a stage has run with, and what it made."""
        if self.files(name) != began_with:  # nobody can say which content the stage has seen, so it has to run again
            self._state.records.pop(name, None)
        else:
            fingerprint = self.fingerprint(name, params).to_json()
            self._state.records[name] = {"fingerprint": fingerprint, **self._ran(name, params)}
        self._is_altered = True

    def refresh(self, name: str, params: Mapping[str, Any]) -> None:
        """Bring the files of an unchanged stage up to date: a comment alters a module's MD5, and DVC compares that."""
        record, ran = self._state.records.get(name), self._ran(name, params)
        if record is not None and any(record[key] != value for key, value in ran.items()):
            record.update(ran)
            self._is_altered = True

    def adopt(self, name: str, params: Mapping[str, Any], locked: "LockedStage | None") -> bool:
        """Take over what `dvc.lock` says a stage ran with, if every file and setting is as it says there."""
        if locked is None:
            return False
        ran = self._ran(name, params)
        if not (self._are_as(ran["deps"], locked.deps) and self._are_as(ran["outs"], locked.outs)):
            return False
        now, before = _by_key(ran["params"]), _by_key(locked.params)
        if now.keys() != before.keys() or not all(is_same_setting(before[key], now[key]) for key in now):
            return False
        fingerprint = self.fingerprint(name, params).to_json()
        self._state.records[name] = {"fingerprint": fingerprint, **ran}
        self._is_altered = True
        if name in self._project.stages and self._project.stages[name].command is not None:
            vouch(self._project, name)
        return True

    def ran(self) -> dict[str, Ran]:
        """What each stage of the project ran with, in order."""
        return {name: self._state.records[name] for name in order(self._project) if name in self._state.records}

    def marks(self) -> list[str]:
        """Files and folders that are altered when an imported library is."""
        return [path for path in self._state.code["marks"] if path != sys.prefix]

    def close(self) -> None:
        """Write down what was learnt, if anything was."""
        if self._is_altered or self.contents.is_altered:
            write_state(self._path, self._state)
            self._is_altered = self.contents.is_altered = False

    def _ran(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        outs = [str(self._project.artifacts[artifact].path) for artifact in outputs_of(self._project, name)]
        deps = dependencies(self._project, name, self.modules().get(name, ()))
        return {
            "deps": {path: self._content(path) for path in deps},
            "outs": {path: self._content(path) for path in outs},
            "params": compared_params(self._project, name, _listed(params.get(name, {}))),
        }

    def _are_as(self, found: Mapping[str, list[Any] | None], locked: "Mapping[str, LockedFile]") -> bool:
        """Whether files are there and as a lock has them, by the hash that it means: sizes only come along."""
        for path, content in found.items():
            before = locked.get(path)
            if content is None or before is None or before.md5 is None:
                return False
            if content[0] != before.md5 and not (before.is_dvc2 and self._dvc2_md5(path) == before.md5):
                return False
        return True

    def _dvc2_md5(self, path: str) -> str:
        from slipway.pipeline.dvc2_hash import dvc2_md5

        return dvc2_md5(self.contents, self._project.root, path)

    def _looked_up(self) -> dict[str, dict[str, Any]]:
        """The values that commands look up themselves, by stage; a file is read again when it has changed."""
        asked = {name: s.command.params for name, s in self._project.stages.items() if s.command and s.command.params}
        if not asked:
            return {}
        wanted = sorted({text for texts in asked.values() for text in texts})
        files = {file_and_key(text)[0] for text in wanted}
        seen = {file: self._md5(file) for file in sorted(files)}
        kept = self._state.params.get("looked_up")
        if not kept or kept["wanted"] != wanted or kept["files"] != seen:
            from slipway.pipeline.params import looked_up

            found = looked_up(self._project.root, wanted)
            values = {text: found[file_and_key(text)[0]][file_and_key(text)[1]] for text in wanted}
            self._state.params["looked_up"] = kept = {"wanted": wanted, "files": seen, "values": values}
            self._is_altered = True
        return {name: {text: kept["values"][text] for text in texts} for name, texts in asked.items()}

    def _content(self, path: str) -> list[Any] | None:
        content = self.contents.content(path)
        return [*content] if content is not None else None  # as JSON gives it back

    def _artifact_md5(self, artifact: str) -> str | None:
        source = self._project.sources.get(artifact)
        if source is not None:
            return source_md5(self._project, source, self.contents)
        return self._md5(str(self._project.artifacts[artifact].path))

    def _md5(self, path: str) -> str | None:
        content: Content | None = self.contents.content(path)
        return content[0] if content is not None else None

    def _missing(self, name: str) -> Iterable[str]:
        for artifact in outputs_of(self._project, name):
            path = self._project.artifacts[artifact].path
            if self.contents.signature(str(path)) is None:
                yield f"output {path} is missing"

    def _edited(self, name: str, record: Mapping[str, Any]) -> Iterable[str]:
        for artifact in outputs_of(self._project, name):
            path = str(self._project.artifacts[artifact].path)
            if self._content(path) != record["outs"].get(path):
                yield f"output {path} was changed by something else"


def _source_mark(source: Source) -> dict[str, Any]:
    if source.fetch is not None:
        return {"fetch": source.fetch.function}
    return {"query": source.sql, **({"database": source.database} if source.database is not None else {})}


def _mark(project: Project, name: str) -> dict[str, Any]:
    stage = project.stages[name]
    mark: dict[str, Any] = {
        "outputs": list(stage.outputs),
        "online": stage.online,
        "publish": stage.publish,
        "key": list(stage.key),
    }
    if stage.online:
        mark["target"] = project.model.target
    if project.literal and any(wanted.artifact in project.sources for wanted in stage.inputs):
        mark["literal_labels"] = list(project.model.literal_labels)
    return mark


def _by_key(params: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
    return {(file, key): value for file, values in params.items() for key, value in values.items()}


def _listed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON gives them back: a tuple is a list."""
    return {name: _plain(value) for name, value in settings.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
