import pytest

from slipway.errors import ProjectError
from slipway.new.draft import draft
from slipway.new.stray_rows import stray_rows
from slipway.tables.files import read_table

HEADER = "girth,age,tree,grade\n"
ROWS = "".join(f"{1 + i % 7}.5,{i % 50},{['oak', 'elm'][i % 2]},{['good', 'bad', 'bad'][i % 3]}\n" for i in range(60))


def said(folder, text, header_lines=1):
    (folder / "t.csv").write_text(text)
    return stray_rows(read_table(folder / "t.csv"), header_lines)


@pytest.mark.parametrize("units", ["cm,years,,\n", "[cm],[a],-,-\n", "float,int,str,str\n"])
def test_a_line_of_units_below_the_header_is_told(tmp_path, units):
    (sentence,) = said(tmp_path, HEADER + units + ROWS)
    assert sentence.startswith("Line 2 holds ")
    assert "units or types, no row" in sentence


def test_a_header_in_the_middle_is_told_by_its_line(tmp_path):
    (sentence,) = said(tmp_path, HEADER + ROWS + HEADER + ROWS + HEADER + ROWS)
    assert sentence.startswith("Line 62 says the header again, as do 1 further rows")


@pytest.mark.parametrize("line", ["Total,,,\n", ",,Sum:,\n", "Grand total,3000,,\n", ",,Gesamt,\n"])
def test_a_total_at_the_end_is_told(tmp_path, line):
    (sentence,) = said(tmp_path, HEADER + ROWS + line)
    assert sentence.startswith('Line 62 begins with "')


@pytest.mark.parametrize("line", ["Source: the forest office,,,\n", ",,as of May,\n", '"(60 rows, of 61)",,,\n'])
def test_a_remark_in_a_last_row_of_its_own_is_told(tmp_path, line):
    (sentence,) = said(tmp_path, HEADER + ROWS + line)
    assert sentence.startswith('Line 62 holds "')
    assert said(tmp_path, HEADER + ",,oak,\n" + ROWS + ",,elm,\n") == []  # as another row is


def test_what_is_a_row_is_not_told(tmp_path):
    assert said(tmp_path, HEADER + ROWS) == []
    assert said(tmp_path, HEADER + ROWS + "5.5,7,total,good\n6.5,8,total,bad\n") == []  # twice: a value like others
    assert said(tmp_path, "a,b\n" + "x,y\n" * 30) == []


def test_a_target_of_numbers_below_its_unit_is_refused_with_the_line(tmp_path):
    (tmp_path / "t.csv").write_text("age,girth\nyears,cm\n" + "".join(f"{i},{i * 7 % 61}.5\n" for i in range(60)))
    with pytest.raises(ProjectError, match=r"^Line 2 holds .*cm"):
        draft("p", tmp_path / "t.csv", "girth")
