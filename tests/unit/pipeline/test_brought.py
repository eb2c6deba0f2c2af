"""An image's code and a volume that hides it, as two folders."""

import os
import shutil
import threading

import pytest

from slipway.errors import OutsideError, ProjectError
from slipway.pipeline.brought import REPLACED, Brought, bring_code, project_root


class Image:
    """A folder of code, as an image has it, and a volume."""

    def __init__(self, folder):
        self.code, self.volume = folder / "code", folder / "app"
        self.volume.mkdir()
        (self.volume / ".slipway").mkdir()  # a volume of its own, in that of the project
        self.write("slipway.toml", 'name = "flats"\n')
        self.write("pipeline.py", "AREA = 1\n")
        self.write("src/tidy.py", "")
        self.write("params.yaml", "model:\n  leaves: 3\n")

    def write(self, path, text):
        file = self.code / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def bring(self):
        return bring_code(self.code, self.volume)

    def has(self, path):
        file = self.volume / path
        return file.read_text() if file.is_file() else None


@pytest.fixture
def image(tmp_path):
    return Image(tmp_path)


def test_an_empty_volume_gets_all_of_it_and_then_nothing_is_done(image):
    brought = image.bring()
    assert sorted(brought.changed) == ["params.yaml", "pipeline.py", "slipway.toml", "src/tidy.py"]
    assert image.bring() is None


def test_a_volume_that_the_engine_has_filled_from_the_image_is_known_as_it_is(image):
    shutil.copytree(image.code, image.volume, dirs_exist_ok=True)
    assert image.bring() is None
    image.write("pipeline.py", "AREA = 2\n")
    assert image.bring() == Brought(("pipeline.py",), ())


def test_what_changed_in_the_image_is_brought_and_what_it_has_no_more_is_removed(image):
    image.bring()
    (image.volume / "data").mkdir()
    (image.volume / "data/train.parquet").write_text("made by a stage")
    (image.code / "src/tidy.py").unlink()
    image.write("pipeline.py", "AREA = 2\n")
    image.write("src/words.py", "")
    assert image.bring() == Brought(("pipeline.py", "src/words.py"), ("src/tidy.py",))
    assert (image.has("pipeline.py"), image.has("src/tidy.py")) == ("AREA = 2\n", None)
    assert image.has("data/train.parquet") == "made by a stage"


def test_an_edit_of_the_same_size_in_the_same_moment_is_seen(image):
    image.bring()
    before = (image.code / "pipeline.py").stat()
    image.write("pipeline.py", "AREA = 2\n")
    os.utime(image.code / "pipeline.py", ns=(before.st_atime_ns, before.st_mtime_ns))  # as a build may set all times
    assert image.bring() == Brought(("pipeline.py",), ())


def test_what_was_changed_in_the_volume_alone_stays(image):
    image.bring()
    (image.volume / "params.yaml").write_text("model:\n  leaves: 5\n")
    image.write("pipeline.py", "AREA = 2\n")
    assert image.bring() == Brought(("pipeline.py",), ())
    assert image.has("params.yaml") == "model:\n  leaves: 5\n"


def test_what_was_changed_on_both_sides_becomes_the_images_and_the_other_is_kept(image, caplog):
    image.bring()
    (image.volume / "params.yaml").write_text("model:\n  leaves: 5\n")
    (image.volume / "src/tidy.py").write_text("edited here")
    image.write("params.yaml", "model:\n  leaves: 4\n")
    (image.code / "src/tidy.py").unlink()
    brought = image.bring()
    assert brought == Brought(("params.yaml",), ("src/tidy.py",), ("params.yaml", "src/tidy.py"))
    assert image.has("params.yaml") == "model:\n  leaves: 4\n"
    assert image.has(f"{REPLACED}/params.yaml") == "model:\n  leaves: 5\n"
    assert image.has(f"{REPLACED}/src/tidy.py") == "edited here"
    assert "params.yaml, src/tidy.py: changed here and in the image" in caplog.text


def test_a_file_that_was_lost_from_the_volume_comes_back(image):
    image.bring()
    (image.volume / "pipeline.py").unlink()
    assert image.bring() == Brought(("pipeline.py",), ())


def test_what_is_a_containers_own_is_neither_brought_nor_touched(image):
    for path in (".slipway/state.db", "mlruns/1", "mlflow.db", "secrets/password", ".dvc/cache/00/1", ".dvc/tmp/lock"):
        image.write(path, "the image's")
    image.write(".dvc/config", "[core]\n")
    (image.volume / ".slipway/state.db").write_text("the volume's")
    assert sorted(image.bring().changed) == [".dvc/config", "params.yaml", "pipeline.py", "slipway.toml", "src/tidy.py"]
    assert image.has(".slipway/state.db") == "the volume's"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda volume: (volume / "slipway.toml").write_text('name = "other"\n'),
        lambda volume: (volume / ".git").mkdir(),
        lambda volume: (volume / "notes.txt").write_text("somebody's folder"),
    ],
    ids=["another project", "a clone", "somebody's folder"],
)
def test_a_folder_that_is_not_the_images_volume_is_left_alone(image, spoil):
    spoil(image.volume)
    before = sorted(image.volume.rglob("*"))
    assert image.bring() is None
    assert sorted(image.volume.rglob("*")) == before


def test_the_images_own_folder_is_left_alone(image):
    assert bring_code(image.code, image.code / "src") is None


def test_it_is_found_from_a_folder_inside(image):
    image.bring()
    image.write("pipeline.py", "AREA = 2\n")
    assert bring_code(image.code, image.volume / "src") == Brought(("pipeline.py",), ())


def test_several_containers_may_start_at_once(image):
    for i in range(200):
        image.write(f"src/part{i}.py", f"PART = {i}\n" * 50)
    found = []
    threads = [threading.Thread(target=lambda: found.append(image.bring())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each is None for each in found) == [False, True, True, True]
    assert image.has("src/part199.py") == "PART = 199\n" * 50
    assert not list(image.volume.rglob(".slipway-*"))


def test_a_volume_that_can_t_be_written_to_is_named(image, monkeypatch):
    # A file where a folder has to be stands for missing rights, which root does not lack.
    (image.volume / ".slipway/locks").write_text("")
    with pytest.raises(OutsideError, match=f"{image.volume}/.slipway/locks: can't be written to"):
        image.bring()


def test_a_project_is_found_in_a_volume_that_is_still_empty(image, monkeypatch):
    monkeypatch.setenv("SLIPWAY_CODE", str(image.code))
    assert project_root(image.volume) == image.volume
    monkeypatch.delenv("SLIPWAY_CODE")
    with pytest.raises(ProjectError, match=r"no slipway\.toml here or above"):
        project_root(image.volume.parent)
