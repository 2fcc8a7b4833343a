"""Is this enterprise code (GB 32100-2015, or an older number) or resident number (GB 11643) valid, and if not, why?

It lives here because cleaning checks codes and may only import downwards.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE = {mark: value for value, mark in enumerate(CREDIT_CODE_ALPHABET)}
CREDIT_CODE_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_LOOK_ALIKE = str.maketrans("OI", "01")
_PLACEHOLDER = ("a placeholder, not an organisation",)
_COUNTED = (
    "0123456789" * 3,
    "1234567890" * 3,
)  # typed along the keys; some of them have a right check character


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """What a code turned out to be: its normal form, why it is invalid, what is odd, what was perhaps meant."""

    code: str
    invalid: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    suggestion: str = ""

    @property
    def valid(self) -> bool:
        """Whether nothing makes the code invalid (warnings do not)."""
        return not self.invalid

    @property
    def dummy(self) -> bool:
        """Whether the code is well formed but stands for nobody."""
        return self.invalid == _PLACEHOLDER


def normal_code(text: str) -> str:
    """A code in half-width upper case without spaces and hyphens.

    >>> normal_code(" ９１37-0102ma3c00011f ")
    '91370102MA3C00011F'
    """
    return "".join(
        mark for mark in unicodedata.normalize("NFKC", text).upper() if not mark.isspace() and mark != "-"
    )


def credit_code_check_mark(body: str) -> str:
    """The 18th character for 17 valid ones: (31 - sum mod 31) mod 31, so a sum of 0 gives 0 (GB 32100-2015).

    >>> credit_code_check_mark("91350100M000100Y4")
    '3'
    """
    return CREDIT_CODE_ALPHABET[
        -sum(_VALUE[mark] * weight for mark, weight in zip(body, CREDIT_CODE_WEIGHTS, strict=True)) % 31
    ]


def organisation_check_mark(body: str) -> str:
    """The 9th character of an organisation code for its first eight (GB 11714): 10 is X, 11 is 0.

    >>> organisation_check_mark("MA3C0001")
    '1'
    """
    total = sum(
        _ORGANISATION.index(mark) * weight for mark, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True)
    )
    return "0123456789X0"[11 - total % 11]


def registration_check_mark(body: str) -> str:
    """The 15th digit of a business registration number for its first 14 (GS 15-2006): mod 11,10.

    >>> registration_check_mark("11010800000001")
    '6'
    """
    product = 10
    for mark in body:
        product = ((product + int(mark)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def check_credit_code(text: str) -> CodeCheck:
    """Check a unified social credit code; a wrong organisation part only warns, a dummy is invalid.

    >>> check_credit_code("91350100M000100Y43").valid
    True
    >>> check_credit_code("91370102MA3C00011G").invalid
    ('check character is F, not G',)
    >>> check_credit_code("91370100000000000R").invalid
    ('a placeholder, not an organisation',)
    >>> check_credit_code("9137O102MA3C00011F").suggestion
    '91370102MA3C00011F'
    """
    code = normal_code(text)
    invalid = _credit_code_faults(code)
    warnings: tuple[str, ...] = ()
    suggestion = ""
    if invalid:
        suggestion = _meant(code, _credit_code_faults)
    elif organisation_check_mark(code[8:16]) != code[16]:
        warnings = ("the organisation part's own check character differs",)
    return CodeCheck(code, invalid, warnings, suggestion)


def check_enterprise_code(text: str) -> CodeCheck:
    """Check any code an enterprise was ever known by: a unified social credit code (18), a registration number or an
    old taxpayer number (15; six digits of region and an organisation code), an organisation code (9, also 12345678-9).

    Every kind is held against its own check character; one that stands for nobody is invalid.

    >>> check_enterprise_code("110108000000016").valid, check_enterprise_code("370102 MA3C0001-1").valid
    (True, True)
    >>> check_enterprise_code("MA3C0001-1").code
    'MA3C00011'
    >>> check_enterprise_code("12345").invalid
    ('5 characters, not 18, 15 or 9',)
    """
    code = normal_code(text)
    if len(code) == 18:
        return check_credit_code(code)
    invalid = _older_code_faults(code)
    return CodeCheck(code, invalid, (), _meant(code, _older_code_faults) if invalid else "")


def check_resident_number(text: str) -> CodeCheck:
    """Check an 18-character resident identity number: digits, birth date, mod 11-2 check character (GB 11643-1999).

    Only the check's faults are spelled out, never the number: it is personal.

    >>> check_resident_number("11010519491231002X").valid
    True
    >>> check_resident_number("110105194912310021").invalid
    ('wrong check character',)
    """
    code = normal_code(text)
    if len(code) != 18 or not code.isascii() or not code[:17].isdigit() or code[17] not in "0123456789X":
        return CodeCheck(code, ("not 17 digits and a check character",))
    faults = []
    try:
        date(int(code[6:10]), int(code[10:12]), int(code[12:14]))
    except ValueError:
        faults.append("birth date does not exist")
    total = sum(int(mark) * weight for mark, weight in zip(code[:17], _RESIDENT_WEIGHTS, strict=True))
    if "10X98765432"[total % 11] != code[17]:
        faults.append("wrong check character")
    return CodeCheck(code, tuple(faults))


def _credit_code_faults(code: str) -> tuple[str, ...]:
    if len(code) != 18:
        return (f"{len(code)} characters, not 18",)
    alien = sorted(set(code) - set(CREDIT_CODE_ALPHABET))
    if alien:
        return (f"not in the alphabet: {' '.join(alien)}",)
    if not code[2:8].isdigit():
        return ("administrative division is not six digits",)
    if len(set(code[8:16])) == 1 or any(keys.startswith(code) for keys in _COUNTED):
        return _PLACEHOLDER
    wanted = credit_code_check_mark(code[:17])
    return () if wanted == code[17] else (f"check character is {wanted}, not {code[17]}",)


def _older_code_faults(code: str) -> tuple[str, ...]:
    if len(code) not in (9, 15):
        return (f"{len(code)} characters, not 18, 15 or 9",)
    alien = sorted(set(code) - set(_ORGANISATION))
    if alien:
        return (f"not in the alphabet: {' '.join(alien)}",)
    if len(code) == 15 and not code[:6].isdigit():
        return ("administrative division is not six digits",)
    body = code[-9:-1]
    if len(set(body)) == 1 or any(keys.startswith(code) for keys in _COUNTED):
        return _PLACEHOLDER
    wanted = organisation_check_mark(body)
    if wanted == code[-1] or (
        len(code) == 15 and code.isdigit() and registration_check_mark(code[:14]) == code[14]
    ):
        return ()
    if len(code) == 9:
        return (f"check character is {wanted}, not {code[-1]}",)
    return ("check character of neither a registration nor a taxpayer number",)


def _meant(code: str, faults: Callable[[str], tuple[str, ...]]) -> str:
    """The code with letters O and I read as digits, where that makes it valid."""
    meant = code.translate(_LOOK_ALIKE)
    return meant if meant != code and not faults(meant) else ""
