import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.letters import option_letters


@pytest.mark.parametrize(
    ("count", "first", "last"),
    [
        (1, "A", "A"),
        (2, "A", "B"),
        (26, "A", "Z"),
        (27, "AA", "BA"),
        (77, "AA", "CY"),
        (676, "AA", "ZZ"),
        (677, "AAA", "BAA"),
    ],
)
def test_the_letters(count, first, last):
    letters = option_letters(count)
    assert (len(letters), letters[0], letters[-1]) == (count, first, last)


@given(st.integers(0, 2000))
def test_none_is_the_beginning_of_another(count):
    letters = option_letters(count)
    assert len(set(letters)) == count
    assert len({len(each) for each in letters}) <= 1
    assert list(letters) == sorted(letters)
