"""Who is a planted enterprise: its codes, its names, its numbers in the books?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from riskengine.intake.codes import credit_code_check_mark, organisation_check_mark

_CORES = "安邦昌诚达德鼎东丰富广海汉和恒宏华辉嘉建锦京凯康利联隆茂铭宁鹏启庆荣瑞盛泰通"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True)
class Enterprise:
    """One planted enterprise. `serial` is its own; `house` is the serial of the subject whose institution and bank it shares."""

    serial: int
    house: int
    role: str = "subject"
    industry_code: str = "3734"
    region6: str = "370702"
    product: str = "STD"
    born: int = 1980

    @cached_property
    def uscc(self) -> str:
        """A valid code of its own (GB 32100-2015, GB 11714)."""
        body = f"MAP{self.serial:05d}"
        code = f"91{self.region6}{body}{organisation_check_mark(body)}"
        return code + credit_code_check_mark(code)

    @cached_property
    def name(self) -> str:
        """A name no other planted enterprise has."""
        return f"潍坊{_letters(self.serial)}机械有限公司"

    @cached_property
    def legal_rep(self) -> str:
        """Its legal representative, controller and main shareholder."""
        return _SURNAMES[self.serial % len(_SURNAMES)] + _letters(self.serial)[:2]

    @cached_property
    def legal_rep_id(self) -> str:
        """The legal representative's resident number, valid, born in January of `born`."""
        return resident_number(self.serial, self.born)

    @cached_property
    def partner(self) -> str:
        """The other shareholder, supervisor."""
        return _SURNAMES[(self.serial + 7) % len(_SURNAMES)] + _letters(self.serial + 31_000)[:2]

    @cached_property
    def partner_id(self) -> str:
        """The other shareholder's resident number."""
        return resident_number(self.serial + 50_000, 1984)

    @property
    def guar_id(self) -> str:
        """Its guarantee in force."""
        return f"PDB{self.serial:05d}"

    @property
    def app_id(self) -> str:
        """The application that this guarantee came of."""
        return f"PSQ{self.serial:05d}"

    @property
    def new_app_id(self) -> str:
        """The application that is reviewed."""
        return f"PNEW{self.serial:05d}"

    @cached_property
    def institution(self) -> str:
        """The guarantor, shared by all enterprises of one clone and by no other."""
        return f"PJG{self.house:05d}"

    @cached_property
    def bank(self) -> str:
        """The bank, shared by all enterprises of one clone and by no other."""
        return f"试验{_letters(self.house)}银行"

    @property
    def loan_no(self) -> str:
        """The loan guaranteed."""
        return f"PJJ{self.serial:05d}"

    @property
    def industry(self) -> str:
        """Division of industry."""
        return self.industry_code[:2]

    @property
    def region(self) -> str:
        """City."""
        return self.region6[:4]


def resident_number(serial: int, born: int) -> str:
    """A valid resident number (GB 11643) of an invented person."""
    day = date(born, 1, 1) + timedelta(days=serial // 999 % 28)
    body = f"370702{day:%Y%m%d}{serial % 999 + 1:03d}"
    return (
        body
        + "10X98765432"[sum(int(mark) * weight for mark, weight in zip(body, _ID_WEIGHTS, strict=True)) % 11]
    )


def _letters(number: int) -> str:
    base, marks = len(_CORES), ""
    for _ in range(3):
        number, place = divmod(number, base)
        marks += _CORES[place]
    return marks
