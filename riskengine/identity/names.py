"""Are two spellings the name of one enterprise?"""

from __future__ import annotations

from riskengine.intake.naming import name_key, name_region_key

__all__ = ["name_key", "name_region_key", "same_name"]


def same_name(left: str, right: str) -> bool:
    """Whether two names meet under one key; names without a key are the same as nothing.

    >>> same_name("M.A.S. Trucking, Inc.", "MAS TRUCKING")
    True
    >>> same_name("--", "--")
    False
    """
    key = name_key(left)
    return bool(key) and key == name_key(right)
