"""Do the codes' check characters hold on the published vectors, and do names meet that should?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskengine.intake.codes import (
    check_credit_code,
    check_enterprise_code,
    check_resident_number,
    credit_code_check_mark,
    organisation_check_mark,
    registration_check_mark,
)
from riskengine.intake.naming import name_key, same_name

CHARSET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
VALID = [
    "91350100M000100Y43",
    "91370102MA3C00011F",
    "91340100MA2T00023B",
    "92370700MA3D00039U",
    "93371600MA3E00048G",
]


@pytest.mark.parametrize("code", VALID)
def test_published_codes_are_valid(code: str) -> None:
    verdict = check_credit_code(f" {code.lower()} ")
    assert verdict.valid
    assert verdict.code == code
    assert verdict.warnings == ()


@pytest.mark.parametrize(
    "code",
    [
        "91370100000000000R",
        "9134010014919331XD",
        "91370102MA3C00011G",
        "",
        "91",
        "9137010SMA3C00011F",
        "123456789012345678",
    ],
)
def test_wrong_codes_say_why(code: str) -> None:
    verdict = check_credit_code(code)
    assert not verdict.valid
    assert verdict.invalid[0]


@pytest.mark.parametrize("typed", ["123456789012345678", "123456789012345", "0" * 18, "1" * 15, "11111111-1"])
def test_a_number_typed_along_the_keys_is_nobodys(typed: str) -> None:
    """Two of these have a right check character by chance."""
    assert check_enterprise_code(typed).dummy


def test_every_single_substitution_and_transposition_is_detected() -> None:
    code = VALID[1]
    others = [code[:at] + mark + code[at + 1 :] for at in range(18) for mark in CHARSET if mark != code[at]]
    swaps = [
        code[:at] + code[at + 1] + code[at] + code[at + 2 :] for at in range(17) if code[at] != code[at + 1]
    ]
    assert len(others) == 540
    assert [wrong for wrong in others + swaps if check_credit_code(wrong).valid] == []


@given(st.text(CHARSET, min_size=17, max_size=17))
def test_check_mark_makes_the_weighted_sum_divisible_by_31(body: str) -> None:
    """Also where the sum is 0 mod 31, in which a snippet in wide use fails."""
    code = body + credit_code_check_mark(body)
    weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1]
    assert sum(CHARSET.index(mark) * weight for mark, weight in zip(code, weights, strict=True)) % 31 == 0


def test_look_alike_letters_are_only_a_suggestion() -> None:
    verdict = check_credit_code("9I37O102MA3C00011F".replace("9I37O", "9137O"))
    assert not verdict.valid
    assert verdict.suggestion == "91370102MA3C00011F"


def test_resident_number_faults() -> None:
    assert check_resident_number("11010519491231002x").valid
    assert check_resident_number("110105194913310025").invalid[0] == "birth date does not exist"
    assert "110105" not in " ".join(check_resident_number("110105194912310021").invalid)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("M.A.S. TRUCKING, INC.", "mas trucking"),
        ("ACME CO., LTD.", "Acme Company Limited"),
        ("LANDMARK BAR & GRILLE (THE)", "The Landmark Bar and Grille LLC"),
        ("济南ＡＢ科技有限责任公司", "济南AB科技有限公司"),
        ("JOHN DOE DBA JOES DINER", "John Doe"),
    ],
)
def test_spellings_of_one_enterprise_meet(left: str, right: str) -> None:
    assert same_name(left, right)


def test_different_enterprises_do_not_meet() -> None:
    assert not same_name("ACME WEST LLC", "ACME EAST LLC")
    assert not same_name("济南科技有限公司", "济南科技股份有限公司")


@given(st.text(st.sampled_from("ABLC THE&.,'()科有限责任公司 INCOD/"), max_size=24))
def test_a_key_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@given(st.text("0123456789", min_size=14, max_size=14).filter(lambda body: len(set(body[6:])) > 1))
def test_registration_numbers_satisfy_mod_11_10(body: str) -> None:
    """GS 15-2006 (ISO 7064): with its check digit the running sum ends at 1."""
    code = body + registration_check_mark(body)
    product, total = 10, 0
    for mark in code:
        total = (product + int(mark)) % 10
        product = (total or 10) * 2 % 11
    assert total == 1
    assert check_enterprise_code(code).valid


@given(
    st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=8, max_size=8).filter(lambda body: len(set(body)) > 1)
)
def test_an_organisation_code_stands_alone_or_after_its_region(body: str) -> None:
    code = body + organisation_check_mark(body)
    assert check_enterprise_code(f"{body}-{code[-1]}").code == code
    assert check_enterprise_code(code).valid
    assert check_enterprise_code("370102" + code).valid
