"""How is a person called in what leaves the house? By the mask and as much of the token as keeps two of one mask apart.

Inside, a person is `mask#hash` (`intake.personal`). The whole hash would let anyone who gets several of our files follow a
person through them; the mask alone would give two officers 李* one digest. A suffix of six digits is not the token, and two
persons of one mask share it once in 16 million pairs.
"""

from __future__ import annotations

import re

KEPT = 6  # hexadecimal digits of the hash
_TOKEN = re.compile(
    rf"((?:[0-9]{{6}}-[0-9]{{4}}-[MF]|\*)#[0-9a-f]{{{KEPT}}})[0-9a-f]{{{16 - KEPT}}}(?![0-9a-f])"
)


def outside(text: str) -> str:
    """The text with every token in it cut short; again changes nothing.

    >>> outside("N15|G1|张*#0123456789abcdef|2026-01-02"), outside("张*#012345"), outside("Item #0123456789abcdef")
    ('N15|G1|张*#012345|2026-01-02', '张*#012345', 'Item #0123456789abcdef')
    """
    return _TOKEN.sub(r"\1", text)
