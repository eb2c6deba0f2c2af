"""Which files of a folder count: as the real DVC has it, over generated trees, and after a run."""

import random
import warnings
from pathlib import Path

import pytest

from adopted import Adopted
from slipway.errors import ProjectError
from slipway.pipeline.dvcignore import Rules, dvc_root, ignore_files, rules_for
from slipway.pipeline.folders import files_in, path_signature

NAMES = [
    "a",
    "b",
    "foo",
    "bar.log",
    "x.txt",
    "tmp",
    ".git",
    "build",
    ".hid",
    "a b",
    "é",
    "#c",
    "!n",
    "[q]",
    ".dvcignore",
]
PARTS = [
    "a", "b", "foo", "*.log", "*", "**", "?", "tmp", "x.*", "[ab]", "[!a]", "build", ".hid", "a b", "é", "\\#c", "\\!n",
    "\\[q\\]", "[q", "*.txt", "f*o", "data", "out", "data/out", "**/foo", "foo/**", "a/**/b", ".dvcignore", "[a-c]",
    "[]a]", "[[b]", "[^b]", "a\\b", ".git",
]  # fmt: skip
ODD = ["", "# c", "  ", "/", "//", "**/", "*/", "!*/", "/*", "/**", " *.log", "*.log  ", "foo\\ ", "foo\\", "!"]


def pattern(rng: random.Random) -> str:
    if rng.random() < 0.1:
        return rng.choice(ODD)
    path = "/".join(rng.choice(PARTS) for _ in range(rng.choice([1, 1, 1, 2, 2, 3])))
    lead, end = "!" * (rng.random() < 0.3) + "/" * (rng.random() < 0.2), "/" * (rng.random() < 0.3)
    return lead + path + end


def fill(rng: random.Random, folder: Path, depth: int) -> None:
    """A few files, folders, links and nested repositories with telling names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in rng.sample(NAMES, rng.randint(2, 5)):
        path, kind = folder / name, rng.random()
        if name == ".dvcignore":  # DVC takes one inside only where it names itself
            path.write_text("\n".join([*(pattern(rng) for _ in range(2)), *[".dvcignore"] * (kind < 0.7)]))
        elif depth and kind < 0.5 and name != ".git":
            fill(rng, path, depth - 1)
        elif kind < 0.6:
            path.symlink_to(folder, target_is_directory=True)
        elif kind < 0.63 and name not in ("[q]", ".git"):
            fill(rng, path / ".dvc", 0)
        else:
            path.write_text(name)
    if (folder / "x.txt").is_file():
        (folder / "link").symlink_to("x.txt")


def listed_by_dvc(root: Path, folder: Path) -> list[str] | None:
    """The files of a folder as DVC collects them; None where it ends with an error at a pattern."""
    from dvc.fs import LocalFileSystem
    from dvc.ignore import DvcIgnoreFilter
    from dvc_data.hashfile.build import _walk_files

    fs = LocalFileSystem()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of its expression for `[[b]`
            found = list(_walk_files(fs, str(folder), ignore=DvcIgnoreFilter(fs, str(root))))
    except ValueError:
        return None
    return sorted(f"{at}/{name}"[len(str(folder)) + 1 :] for at, files in found for name in files)


def listed(root: Path, folder: Path) -> list[str] | None:
    try:
        return [path for path, _ in files_in(str(root), str(folder))]
    except ProjectError:
        return None


def test_over_generated_trees_and_patterns_the_files_are_those_that_dvc_takes(tmp_path):
    pytest.importorskip("dvc")
    refused = left_out = 0
    for seed in range(150):
        rng, root = random.Random(seed), tmp_path / str(seed)
        fill(rng, root / "data/out", 2)
        (root / ".dvc").mkdir()
        everything = listed(root, root / "data/out")
        for place in (root, root / "data"):
            if rng.random() < 0.8:
                (place / ".dvcignore").write_text("\n".join(pattern(rng) for _ in range(rng.randint(1, 5))))
        theirs, ours = listed_by_dvc(root, root / "data/out"), listed(root, root / "data/out")
        assert ours == theirs, (seed, [p.read_text() for p in root.rglob(".dvcignore")])
        refused, left_out = refused + (ours is None), left_out + (ours != everything)
    assert 2 < refused < 30
    assert left_out > 60


STAGE = "  {name}:\n    cmd: {cmd}\n    deps: [{deps}]\n    outs: [{outs}]\n"
FIGURES = STAGE.format(
    name="figures",
    cmd="mkdir -p figs/sub/raw figs/tmp && touch figs/a.txt figs/run.log figs/sub/b.txt figs/sub/raw/c.txt figs/tmp/d"
    " figs/keep.log",
    deps="train.csv",
    outs="figs",
)
COUNTED = STAGE.format(name="counted", cmd="ls in > counted.txt", deps="in", outs="counted.txt")


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({".dvcignore": "*.log\n"}, 4),
        ({".dvcignore": "# only some\n\n*.log\n!keep.log\n"}, 5),
        ({".dvcignore": "tmp/\n/figs/sub/*\n!/figs/sub/raw\n"}, 4),
        ({".dvcignore": "b.txt/\nfigs/**/c.*\n"}, 5),
        ({".dvcignore": "a.txt\r\n*.log   \r\n"}, 3),
    ],
)
def test_after_a_run_dvc_has_nothing_to_say_of_an_output_and_an_input(tmp_path, files, count):
    made = Adopted(tmp_path / "p", FIGURES + COUNTED, {"in/a.log": "1", "in/a.txt": "2", "in/tmp/x": "3", **files})
    assert set(made.run().values()) == {"ran"}
    assert made.status() == {}
    assert f"nfiles: {count}" in (made.root / "dvc.lock").read_text()
    (made.root / "figs/run.log").write_text("another")
    is_seen = made.status() != {}
    assert made.run()["figures"] == ("ran" if is_seen else "unchanged")
    assert made.status() == {}


def test_rules_of_a_folder_above_hold_and_those_of_a_repository_above_the_project_do(tmp_path):
    pytest.importorskip("dvc")
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvcignore").write_text("/p/data/out/*.tmp\nlogs/\n")
    root = tmp_path / "p"
    for name in ("a.csv", "b.tmp", "logs/c", "sub/b.tmp", "sub/d.bak", "e.bak"):
        (root / "data/out" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "data/out" / name).touch()
    (root / "data/.dvcignore").write_text("out/sub/*.bak\n")
    assert listed(root, root / "data/out") == ["a.csv", "e.bak", "sub/b.tmp"]
    assert listed_by_dvc(tmp_path, root / "data/out") == ["a.csv", "e.bak", "sub/b.tmp"]
    assert (dvc_root(str(root)), dvc_root("/")) == (str(tmp_path), None)
    assert ignore_files(str(root), ["data/out/a.csv"]) == {
        f"{tmp_path}{at}/.dvcignore" for at in ("", "/p", "/p/data", "/p/data/out")
    }


def test_a_new_rule_shows_in_the_folder_s_signature_and_in_the_run(tmp_path):
    made = Adopted(tmp_path / "p", FIGURES)
    made.run()
    before = path_signature(str(made.root), str(made.root / "figs"))
    made.write({".dvcignore": "*.log\n"})
    assert path_signature(str(made.root), str(made.root / "figs")) != before
    made.run()
    assert made.status() == {}
    made.write({".dvcignore": "# no more\n"})
    made.run()
    assert made.status() == {}


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("*.pkl", r"\.dvcignore:2: `\*\.pkl`"),
        ("/figs", r"\.dvcignore:2: `/figs`"),
        ("figs/", r"\.dvcignore:2: `figs/`"),
    ],
)
def test_an_output_that_is_named_is_refused_as_dvc_refuses_it(tmp_path, rule, place):
    made = Adopted(tmp_path / "p", FIGURES, {".dvcignore": f"# so that\n{rule}\n"})
    with pytest.raises(ProjectError, match=f"{place} names (model.pkl|figs), which stage"):
        made.run()
    assert not (made.root / "model.pkl").exists()
    made.write({"figs/a": ""})
    with pytest.raises(Exception, match="is ignored by"):
        made.status()


def test_an_ignore_file_inside_a_tracked_folder_is_refused_as_dvc_refuses_it(tmp_path):
    made = Adopted(tmp_path / "p", COUNTED, {"in/a": "", "in/deep/.dvcignore": "*.log\n"})
    with pytest.raises(ProjectError, match=r"in/deep/\.dvcignore: DVC takes no ignore file inside"):
        made.run()
    (made.root / "in/deep/.dvcignore").unlink()
    made.run()
    assert made.status() == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ok\nfoo\\\n", r"\.dvcignore:2: `foo\\` is no pattern"),
        (b"\xff\xfe*", r"\.dvcignore: not UTF-8 at byte 0"),
        (b"!\n", r"\.dvcignore:1: `!` is no pattern"),
    ],
)
def test_what_dvc_can_t_read_is_named_with_its_line(tmp_path, content, said):
    (tmp_path / ".dvcignore").write_bytes(content)
    (tmp_path / "a").mkdir()
    with pytest.raises(ProjectError, match=said):
        files_in(str(tmp_path), str(tmp_path / "a"))


def test_the_pattern_that_decides_is_told(tmp_path):
    (tmp_path / ".dvcignore").write_text("*.csv\n!a.csv\ndata/\na.csv\n")
    rules, _ = rules_for(str(tmp_path), str(tmp_path))
    assert rules.pattern_of("b.csv", False) == ("*.csv", ".dvcignore:1")
    assert rules.pattern_of("a.csv", False) == ("a.csv", ".dvcignore:4")
    assert rules.pattern_of("data/x/y.txt", False) == ("data/", ".dvcignore:3")
    assert rules.pattern_of("y.txt", False) is None
    assert Rules("/").pattern_of(".git", True) is None
