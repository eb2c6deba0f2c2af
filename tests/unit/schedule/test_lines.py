import sys

from slipway.schedule.lines import copied


def test_lines_go_where_they_went_and_are_told(capsys):
    told = []
    with copied(told.append):
        print("one\ntwo")
        print("half ", end="")
        sys.stderr.write("aside\n")
        print("whole")
        print("\x1b[2mdim\x1b[0m   \n\n")
    print("after")
    assert told == ["one", "two", "aside", "half whole", "dim"]
    out, err = capsys.readouterr()
    assert out == "one\ntwo\nhalf whole\n\x1b[2mdim\x1b[0m   \n\n\nafter\n"
    assert err == "aside\n"


def test_what_else_a_stream_has_is_the_streams():
    before = sys.stdout
    with copied(print):
        assert sys.stdout.encoding == before.encoding
        assert sys.stdout.isatty() == before.isatty()
    assert sys.stdout is before
