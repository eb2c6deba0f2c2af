from pathlib import Path

import pytest

from slipway.serve.http.redaction import without_paths

ROOT = Path("/srv/ada lovelace/flats")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/srv/flats/.slipway/spool: can't be written (No space left)", "spool: can't be written (No space left)"),
        ("FileNotFoundError: none such: '/srv/ada/encoder.json'", "FileNotFoundError: none such: 'encoder.json'"),
        ("reading failed:/var/lib/x/y.db (/tmp/a/b/)", "reading failed:y.db (a folder)"),
        ("sqlite:////srv/flats/state.db is locked; file:///etc/passwd", "state.db is locked; passwd"),
        ("postgresql://db:5432/flats says no", "postgresql://db:5432/flats says no"),
        ("got 3/4; n/a, and/or, 2024/01/02, a / b", "got 3/4; n/a, and/or, 2024/01/02, a / b"),
        ("there is no street `nowhere`", "there is no street `nowhere`"),
    ],
)  # fmt: skip
def test_of_a_path_its_last_part_is_told(text, told):
    assert without_paths(text) == told


def test_paths_of_the_project_are_told_as_they_are_within_it():
    text = f"{ROOT}/.slipway/spool: can't be used; {ROOT} is full; {ROOT.parent}/other/x is not"
    assert without_paths(text, ROOT).startswith(".slipway/spool: can't be used; the project's folder is full; ")
