"""What may be shown of a person's name, number or phone, and under which token do two of the same meet?

A personal value is stored as `mask#hash`: the hash is HMAC-SHA256 (16 hexadecimal digits) under the institution's own key,
so nobody without the key can try numbers out; the mask is all that people see. The key is `$RISKENGINE_PERSONAL_KEY`, else
the file `personal.key` of the store. A store remembers which key it was written with (`personal.check`): under another
key the same person would be two.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Callable
from pathlib import Path

from riskengine.errors import IntegrityError, Problem, SetupError
from riskengine.intake.codes import check_resident_number

VARIABLE = "RISKENGINE_PERSONAL_KEY"
_DIGITS = 16
_TOKEN = re.compile(
    rf"((?:[0-9]{{6}}-[0-9]{{4}}-[MF]|1[0-9]{{2}}\*{{4}}|.?\*+))#[0-9a-f]{{{_DIGITS}}}", re.DOTALL
)
_HASH = re.compile(rf"#[0-9a-f]{{{_DIGITS}}}(?![0-9a-f])")
_RESIDENT = re.compile(r"(?<![0-9A-Za-z])[1-8][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx](?![0-9A-Za-z])")
_OLD_RESIDENT = re.compile(
    r"(?<![0-9A-Za-z])[1-8][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}(?![0-9A-Za-z])"
)
_PHONE = re.compile(r"1[0-9]{10}")
_HAN_NAME = re.compile(r"[㐀-鿿][㐀-鿿·]{1,5}")


def mask(value: str) -> str:
    """What may be shown: region, birth year and sex of a resident number, a surname, the start of a phone number.

    >>> mask("11010519491231002x"), mask("张三丰"), mask("13812345678"), mask("John Doe"), mask("A")
    ('110105-1949-F', '张**', '138****', 'J***', '***')
    """
    text = _normal(value)
    number = check_resident_number(text)
    if number.valid:
        code = number.code
        return f"{code[:6]}-{code[6:10]}-{'M' if int(code[16]) % 2 else 'F'}"
    if _PHONE.fullmatch(text):
        return text[:3] + "****"
    if _HAN_NAME.fullmatch(text):
        return text[0] + "*" * (len(text) - 1)
    return text[:1] + "***" if len(text) > 1 else "***"


def tokens(key: bytes) -> Callable[[str], str]:
    """The function from a personal value to its token under `key`; one person's spellings have one token.

    >>> token = tokens(b"secret")
    >>> token(" １３８12345678 ") == token("13812345678")
    True
    >>> token("张三")[:3]
    '张*#'
    """
    if not key:
        raise SetupError("The key of personal data is not known", [_no_key("clean")])

    def token(value: str) -> str:
        text = _normal(value)
        number = check_resident_number(text)
        meant = number.code if number.valid else text
        return f"{mask(text)}#{hmac.digest(key, meant.encode(), hashlib.sha256).hex()[:_DIGITS]}"

    return token


def is_token(value: str) -> bool:
    """Whether a text is a person's token, made by `tokens`."""
    return _TOKEN.fullmatch(value) is not None


def names_person(name: str) -> bool:
    """Whether an enterprise's name is a natural person's, in clear or as a token."""
    from riskengine.intake.nouns import is_person  # a review masks names, and needs no list of trades for it

    return is_token(name) or is_person(name)


def name_tokens(key: bytes) -> Callable[[str], str]:
    """The function from a name in a column for enterprises' names to what is stored of it: a natural person's becomes
    its token under `key`, a resident number beside another name its mask, any other stays as it is.

    >>> name = name_tokens(b"secret")
    >>> name("张三丰")[:4], name("张三丰 11010519491231002X")[:5], name("明湖商行 11010519491231002X"), name("明湖商行")
    ('张**#', '张***#', '明湖商行 110105-1949-F', '明湖商行')
    """
    from riskengine.intake.nouns import is_person

    token = tokens(key)
    return lambda name: token(name) if is_person(name) else _unnumbered(name)


def name_shown(name: str) -> str:
    """What may be shown of a name in a column for enterprises' names.

    >>> name_shown("张三丰"), name_shown("明湖商行 110105491231002")
    ('张**', '明湖商行 110105-***')
    """
    from riskengine.intake.nouns import is_person

    return mask(name) if is_person(name) else _unnumbered(name)


def _unnumbered(name: str) -> str:
    """A name without resident numbers, also old ones of 15 digits and ones with a slip: in a name it is nothing else."""
    if len(name) < 15:
        return name
    hidden = _RESIDENT.sub(
        lambda found: mask(found[0]) if check_resident_number(found[0]).valid else f"{found[0][:6]}-***", name
    )
    return _OLD_RESIDENT.sub(lambda found: f"{found[0][:6]}-***", hidden)


def shown(value: object) -> object:
    """A stored value as people may see it: of a token the mask, anything else as it is.

    >>> shown("张*#0123456789abcdef"), shown("Item #1"), shown(1.5)
    ('张*', 'Item #1', 1.5)
    """
    match = _TOKEN.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else value


def redacted(text: str) -> str:
    """Free text without resident numbers and without tokens' hashes, for messages and refused cells.

    >>> redacted("owner 11010519491231002X"), redacted("could not convert 张*#0123456789abcdef")
    ('owner 110105-1949-F', 'could not convert 张*')
    """
    return _HASH.sub("", _RESIDENT.sub(lambda found: _masked_if_valid(found[0]), text))


def personal_key(store: Path) -> bytes:
    """The key of a store's personal data, made on first need (readable by its owner only).

    `SetupError` where there is none and none can be written; `IntegrityError` where the store was written with another.
    """
    told = os.environ.get(VARIABLE, "").strip()
    path = store / "personal.key"
    try:
        key = (told or _once(path, lambda: secrets.token_hex(32))).encode()
    except OSError:
        raise SetupError("There is no key for personal data", [_no_key(str(path))]) from None
    mark = hmac.digest(key, b"riskengine personal key", hashlib.sha256).hex()[:_DIGITS]
    try:
        kept = _once(store / "personal.check", lambda: mark)
    except OSError:  # a read-only store that never held personal data: nothing to disagree with
        return key
    if not hmac.compare_digest(kept, mark):
        where = f"${VARIABLE}" if told else str(path)
        wanted = "the key this store's personal data was written with"
        raise IntegrityError(
            "The key of personal data has changed", [Problem(where, wanted, "another key", "Put it back")]
        )
    return key


def _once(path: Path, made: Callable[[], str]) -> str:
    """The text of a file that is written once, whole, by whoever comes first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(made())
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:  # another process was first: its key counts
            pass
        finally:
            temporary.unlink()
    return path.read_text(encoding="ascii").strip()


def _normal(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip().upper()


def _masked_if_valid(number: str) -> str:
    return mask(number) if check_resident_number(number).valid else number


def _no_key(where: str) -> Problem:
    hint = f"Set ${VARIABLE}, or run riskengine intake once where the store can be written"
    return Problem(where, "the key of personal data", "none", hint)
