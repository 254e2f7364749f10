"""Start and end pictures found by their files' names."""

import pytest

from generations.imports.pairs import Pair, find_pairs


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["fox_start.png", "fox_end.png"], [Pair("fox", "fox_start.png", "fox_end.png")]),
        (["Fox-First.PNG", "fox-last.jpg"], [Pair("Fox", "Fox-First.PNG", "fox-last.jpg")]),
        (["red fox 1.png", "red fox 2.png"], [Pair("red fox", "red fox 1.png", "red fox 2.png")]),
        (["fox_a.png", "fox_b.png"], [Pair("fox", "fox_a.png", "fox_b.png")]),
        (["foxStart.png", "foxEnd.png"], [Pair("fox", "foxStart.png", "foxEnd.png")]),
        (["s1/start.png", "s1/end.png"], [Pair("s1", "s1/start.png", "s1/end.png")]),
        (["a/fox_1.png", "b/fox_2.png"], [Pair("fox 1", "a/fox_1.png", ""), Pair("fox 2", "b/fox_2.png", "")]),
        (
            ["fox-1.png", "fox-2.png", "fox-3.png"],
            [Pair("fox 1", "fox-1.png", ""), Pair("fox 2", "fox-2.png", ""), Pair("fox 3", "fox-3.png", "")],
        ),
        (
            ["fox_start.png", "fox_start.jpg", "fox_end.png"],
            [Pair("fox", "", "fox_end.png"), Pair("fox", "fox_start.jpg", ""), Pair("fox", "fox_start.png", "")],
        ),
        (["weekend.png"], [Pair("weekend", "weekend.png", "")]),
        (["blast.png", "week.png"], [Pair("blast", "blast.png", ""), Pair("week", "week.png", "")]),
        (["fox_end.png"], [Pair("fox", "", "fox_end.png")]),
        (["fox_start.png"], [Pair("fox", "fox_start.png", "")]),
        (["fox_2.png"], [Pair("fox 2", "fox_2.png", "")]),
        ([], []),
    ],
)
def test_pairs(names: list[str], pairs: list[Pair]) -> None:
    assert find_pairs(names) == pairs
    assert find_pairs(reversed(names)) == pairs
