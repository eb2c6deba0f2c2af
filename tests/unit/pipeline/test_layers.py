from hypothesis import given
from hypothesis import strategies as st

from slipway.pipeline.layers import Bend, columns

graphs = st.integers(1, 9).flatmap(
    lambda size: st.tuples(
        st.just([f"b{i}" for i in range(size)]),
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=14).map(
            lambda pairs: sorted({(f"b{a}", f"b{b}") for a, b in pairs if a < b})
        ),
    )
)


def test_a_box_stands_after_the_longest_way_to_it():
    assert columns(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")]) == [["a"], ["b", Bend("a", "c", 1)], ["c"]]


def test_boxes_are_put_where_fewer_arrows_cross():
    found = columns(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    assert found in ([["a", "b"], ["y", "x"]], [["b", "a"], ["x", "y"]])


def test_nothing_gives_no_columns():
    assert columns([], []) == []


@given(graphs)
def test_every_box_stands_once_and_every_arrow_points_right(graph):
    boxes, arrows = graph
    found = columns(boxes, arrows)
    at = {item: place for place, items in enumerate(found) for item in items}
    assert sorted(item for item in at if isinstance(item, str)) == sorted(boxes)
    for start, end in arrows:
        assert at[start] < at[end]
        bends = [item for item in at if isinstance(item, Bend) and (item.start, item.end) == (start, end)]
        assert sorted(bend.column for bend in bends) == list(range(at[start] + 1, at[end]))
        assert all(at[bend] == bend.column for bend in bends)
