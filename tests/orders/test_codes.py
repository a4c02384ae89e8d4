"""The numbers of orders: read aloud, typed, and checked."""

from hypothesis import given
from hypothesis import strategies as st

from orders.codes import ALPHABET, check_character, is_valid, new_code, normalise
from orders.models import new_number, new_token

CODES = st.text(ALPHABET, min_size=1, max_size=16).map(lambda code: code + check_character(code))


@given(CODES, st.data())
def test_every_single_wrong_character_is_found(code: str, data: st.DataObject) -> None:
    assert is_valid(code)
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET.replace(code[place], "")))
    assert not is_valid(code[:place] + wrong + code[place + 1 :])


@given(CODES, st.data())
def test_a_swap_of_neighbours_is_found_but_for_one_pair(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 2))
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if swapped != code and set(code[place : place + 2]) != {"0", "Z"}:
        assert not is_valid(swapped)


def test_lookalikes_spaces_and_hyphens_are_forgiven() -> None:
    assert normalise("kk-o1il 7f3q") == "KK01117F3Q"
    assert normalise("KK\u201001IL\u00a07F3Q.") == "KK01117F3Q"


def test_an_empty_or_foreign_text_is_no_code() -> None:
    assert not is_valid("")
    assert not is_valid("0")
    assert not is_valid("ÀÉ")


def test_numbers_carry_a_check_character_and_tokens_128_bits() -> None:
    number = new_number()
    assert number[:3] == "KK-"
    assert is_valid(normalise(number[3:]))
    assert len(new_code(12)) == 13
    assert len(new_token()) * 6 >= 128
    assert len({new_token() for _ in range(100)}) == 100
