"""Text is cut to what a Dataverse column takes, and nothing it refuses is left in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.text import clean, fit

# Everything Python can hold, lone surrogates among it.
anything = st.text(st.characters(codec=None))
refused = set(map(chr, [*range(9), 0xB, 0xC, *range(0xE, 0x20), 0xFFFE, 0xFFFF]))


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(anything)
def test_nothing_refused_is_left(text: str) -> None:
    left = clean(text)
    left.encode()  # no lone surrogate
    assert not refused & set(left)


@given(anything)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"])))
def test_good_text_is_left_as_it_is(text: str) -> None:
    assert clean(text) == text


@given(anything, st.integers(0, 30))
def test_it_fits_in_utf_16_units(text: str, length: int) -> None:
    assert units(fit(text, length)) <= length


@given(anything, st.integers(0, 30))
def test_what_fits_is_the_beginning_and_as_much_as_goes_in(text: str, length: int) -> None:
    fitted = fit(text, length)
    assert clean(text).startswith(fitted)
    rest = clean(text)[len(fitted) :]
    assert not rest or units(fitted) + units(rest[0]) > length


@given(anything, st.integers(0, 30))
def test_fitting_twice_is_fitting_once(text: str, length: int) -> None:
    assert fit(fit(text, length), length) == fit(text, length)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b\x1fc", "abc"),
        ("tab\tline\r\n", "tab\tline\r\n"),
        ("\ud83d", "\ufffd"),
        ("\ufffe\uffff", "\ufffd\ufffd"),
        ("😀", "😀"),
    ],
)
def test_cleaning_by_example(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_pair_is_never_cut_in_two() -> None:
    assert fit("ab😀", 3) == "ab"
    assert fit("ab😀", 4) == "ab😀"
