from pathlib import PurePosixPath as P

import pytest

from slipway.errors import ProjectError
from slipway.project.scripts import as_stages, read_scripts, service_script

PREPARE = '''"""Readings, cleaned."""
import pandas as pd
raw = pd.read_csv("data/raw/readings.csv")
raw.dropna().to_csv("data/clean.csv", index=False)
'''
TRAIN = """
import json, os
from pathlib import Path
import joblib, pandas as pd
OUT = Path("models")
table = pd.read_csv(os.path.join("data", "clean.csv"), sep=",")
with open("reports/metrics.json", mode="w") as file:
    json.dump({"rmse": 0.5}, file)
joblib.dump(object(), OUT / "model.joblib")
Path("reports/note.txt").write_text("fine")
"""


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name[1:3]}-{name[4:]}.py").write_text(text)


def test_what_a_script_reads_and_writes_is_seen_in_its_calls(tmp_path):
    write(tmp_path, _00_prepare_data=PREPARE, _10_train_model=TRAIN)
    prepare, train = read_scripts(tmp_path, P("."))
    assert (prepare.name, prepare.number, prepare.doc) == ("prepare_data", 0, "Readings, cleaned.")
    assert (prepare.reads, prepare.writes) == ((P("data/raw/readings.csv"),), (P("data/clean.csv"),))
    assert train.reads == (P("data/clean.csv"),)
    assert set(train.writes) == {P("reports/metrics.json"), P("models/model.joblib"), P("reports/note.txt")}


def test_constants_say_it_where_calls_do_not(tmp_path):
    text = 'READS = ["a.csv"]\nWRITES = ("b.csv",)\nimport sys\nopen(sys.argv[1]).read()\n'
    write(tmp_path, _05_copy=text)
    (script,) = read_scripts(tmp_path, P("."))
    assert (script.reads, script.writes) == ((P("a.csv"),), (P("b.csv"),))


def test_a_script_becomes_a_command_that_depends_on_itself_and_its_files(tmp_path):
    write(tmp_path, _00_prepare_data=PREPARE, _90_serve_model="def request(body):\n    return [body]\n")
    stages, paths = as_stages(read_scripts(tmp_path, P(".")))
    assert list(stages) == ["prepare_data"]
    command = stages["prepare_data"].command
    assert command.lines == ("python 00-prepare_data.py",)
    assert command.files == (P("00-prepare_data.py"), P("data/raw/readings.csv"))
    assert paths == {"clean": P("data/clean.csv")}


def test_the_code_that_a_script_imports_is_depended_on(tmp_path):
    (tmp_path / "steps" / "shop").mkdir(parents=True)
    (tmp_path / "steps" / "shop" / "__init__.py").write_text("")
    (tmp_path / "steps" / "shop" / "clean.py").write_text("from tools import trim\n")
    (tmp_path / "steps" / "tools.py").write_text("def trim(): ...\n")
    (tmp_path / "steps" / "unused.py").write_text("")
    (tmp_path / "steps" / "00-a.py").write_text('import json\nfrom shop.clean import trim\nopen("x.txt", "w")\n')
    (script,) = read_scripts(tmp_path, P("steps"))
    assert set(script.modules) == {P("steps/shop/__init__.py"), P("steps/shop/clean.py"), P("steps/tools.py")}


def test_what_a_script_makes_and_reads_again_is_no_input(tmp_path):
    write(tmp_path, _00_a='open("x.txt", "w")\nopen("x.txt")\nopen("in.txt")\n')
    (script,) = read_scripts(tmp_path, P("."))
    assert script.reads == (P("in.txt"),)


def test_files_that_would_be_named_alike_are_told_apart(tmp_path):
    write(tmp_path, _00_a='open("a/x.csv", "w"); open("b/x.csv", "w"); open("c/x.csv", "w")')
    scripts = read_scripts(tmp_path, P("."))
    assert as_stages(scripts)[1] == {"x": P("a/x.csv"), "b_x_csv": P("b/x.csv"), "c_x_csv": P("c/x.csv")}
    assert as_stages(scripts, {"late": P("c/x.csv")})[0]["a"].outputs == ("x", "b_x_csv", "late")


def test_files_are_taken_in_the_order_of_the_text(tmp_path):
    write(tmp_path, _00_a='if True:\n    open("first.csv")\nopen("second.csv")\nopen("y.csv", "w")\n')
    assert read_scripts(tmp_path, P("."))[0].reads == (P("first.csv"), P("second.csv"))


def test_a_script_may_say_that_it_only_checks(tmp_path):
    write(tmp_path, _05_check='WRITES = []\nopen("in.csv")\n')
    (script,) = read_scripts(tmp_path, P("."))
    assert (script.reads, script.writes) == ((P("in.csv"),), ())


def test_of_several_services_the_one_that_serves_has_the_functions(tmp_path):
    write(tmp_path, _00_a='open("x.csv", "w")', _85_watch="", _90_serve_model="import tools")
    (tmp_path / "tools.py").write_text("")
    found = service_script(read_scripts(tmp_path, P(".")))
    assert (found.path, found.modules) == (P("90-serve_model.py"), (P("tools.py"),))
    write(tmp_path, _95_serve_more="")
    with pytest.raises(ProjectError, match=r"90-serve_model\.py, 95-serve_more\.py: which one serves"):
        service_script(read_scripts(tmp_path, P(".")))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no numbered script is here"),
        ({"_00_a": PREPARE, "_00_b": TRAIN}, "have one number: which comes first"),
        ({"_00_a": PREPARE, "_10_a": 'open("y.txt", "w")'}, "would both be the stage `a`"),
        ({"_00_a": PREPARE, "_10_b": PREPARE}, r"00-a\.py and 10-b\.py both write data/clean\.csv"),
        ({"_00_b": TRAIN, "_10_a": PREPARE}, r"00-b\.py reads data/clean\.csv, which 10-a\.py writes later"),
        ({"_00_a": "print(1)"}, r"00-a\.py: nothing here is seen to write a file.*WRITES"),
        ({"_00_a": "WRITES = [name]"}, r"00-a\.py:1: expected a list of paths written out"),
        ({"_00_a": 'open("/etc/x.txt", "w")'}, r"00-a\.py:1: /etc/x\.txt is outside the project's folder"),
        ({"_00_a": 'open("../x.txt", "w")'}, r"\.\./x\.txt is outside the project's folder"),
        ({"_00_a": "def ("}, r"00-a\.py:1: "),
    ],
)
def test_what_is_wrong_with_scripts_is_said(tmp_path, files, message):
    write(tmp_path, **files)
    with pytest.raises(ProjectError, match=message):
        as_stages(read_scripts(tmp_path, P(".")))
