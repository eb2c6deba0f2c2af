import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import ProjectError
from slipway.new.name import project_name
from slipway.project.read import NAME


@pytest.mark.parametrize(
    ("folder", "name"),
    [("my(x)", "my-x"), ("flats", "flats"), ("_flats 2.0", "flats 2.0"), ("Größe", "Größe"), ("(a)+(b)", "a-b")],
)
def test_a_folder_gives_the_nearest_name_that_a_project_may_have(tmp_path, folder, name):
    assert project_name(tmp_path / folder) == name


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_whatever_a_folder_is_called_the_name_is_valid_or_refused(tmp_path_factory, folder):
    place = tmp_path_factory.getbasetemp() / folder
    if re.search(r"[^\W_]", place.resolve().name):
        assert re.fullmatch(NAME, project_name(place))
    else:
        with pytest.raises(ProjectError, match="Give the folder another name"):
            project_name(place)


def test_a_name_of_signs_alone_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="has no letter or digit"):
        project_name(tmp_path / "(+)")
