"""Who is acting, and are two people two people?

What a command line can prove: the account of the operating system under which the process runs. It is read from the
process's user id, not from `$USER`, which anybody can set. Where several people share a service account, each may declare
a name in `$RISKENGINE_ACTOR`; a declared name is recorded beside the account, and counts as a person only where
`configs/environment.toml` says `declared_actors = true`, that is, where something before this command (a job runner, a
ticket system) vouches for it. Who can write into the store can also write its files: the audit chain shows that, if its
head is kept elsewhere, and nothing here prevents it.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from riskengine.errors import Problem, QualityGateError
from riskengine.project import Environment

DECLARED = "RISKENGINE_ACTOR"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the account's name, the name that was declared (empty: none), and which of them counts as the person."""

    account: str
    declared: str = ""
    vouched: bool = False  # the declared name counts

    @property
    def name(self) -> str:
        """The person, as far as can be said."""
        return self.declared if self.declared and self.vouched else self.account

    def to_json(self) -> dict[str, str]:
        """What the ledger keeps."""
        return {"person": self.name, "account": self.account, "declared": self.declared}


def actor(vouched: bool = False) -> Actor:
    """Whoever runs this process; `vouched`: the declared name counts as the person."""
    try:
        account = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without an entry
        account = f"uid {os.getuid()}"
    return Actor(account, os.environ.get(DECLARED, "").strip(), vouched)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's as far as spelling goes.

    >>> same_person("Li Wei ", "li wei")
    True
    """
    return one.strip().casefold() == other.strip().casefold()


def check_two(environment: Environment, maker: str, checker: str) -> None:
    """Refuse one person as maker and checker (`QualityGateError`), unless the project says that only one works on it."""
    if environment.single_operator or not same_person(maker, checker):
        return
    hint = (
        f"Another person approves, under an account of their own. Where only one person works: single_operator = true in"
        f" configs/environment.toml, which the ledger then says. Where people share an account: declared_actors = true and ${DECLARED}"
        " 须由另一人复核：maker and checker differ"
    )
    problem = Problem("approve", f"another person than the maker {maker!r}", repr(checker), hint)
    raise QualityGateError("The same person cannot propose and approve 提议人与复核人不得为同一人", [problem])
