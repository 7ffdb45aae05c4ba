"""Names for students that are unique in a run and safe as file names on every system."""

from __future__ import annotations

import hashlib
import unicodedata

MAX_CHARACTERS = 100
MAX_BYTES = 180  # a file name may have 255 bytes; room for a suffix and an ending

# Files that the report formats write beside one file per student, and devices of Windows.
RESERVED = frozenset(
    ["index", "results", "result", "report", "reports", "summary", "class", "gradebook", "grades", "junit"]
    + ["feedback", "con", "prn", "aux", "nul"]
    + [f"{device}{number}" for device in ("com", "lpt") for number in range(10)]
)


def safe(name: str) -> str:
    """`name` as a file name: letters of any script, digits, `.`, `_` and `-`; not too long; not reserved."""
    name = unicodedata.normalize("NFC", name)
    kept = "".join(
        sign if sign.isalnum() or sign in "._-" or unicodedata.category(sign)[0] == "M" else "_" for sign in name
    )
    kept = kept.lstrip(".-").rstrip(".") or "unnamed"
    if len(kept) > MAX_CHARACTERS or len(kept.encode()) > MAX_BYTES:
        # Two long names may differ only in what is cut off.
        digest = hashlib.sha256(kept.encode()).hexdigest()[:8]
        cut = kept[: MAX_CHARACTERS - 9].encode()[: MAX_BYTES - 9].decode(errors="ignore")
        kept = f"{cut}-{digest}"
    stem, dot, rest = kept.partition(".")
    return f"{stem}_{dot}{rest}" if stem.casefold() in RESERVED else kept


class StudentIds:
    """Hands out ids, each only once; capital and small letters do not make a difference."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def take(self, name: str) -> str:
        """A free id made of `name`, with a number behind it if that is taken."""
        base = safe(name)
        candidate = base
        key = _key(base)
        while _key(candidate) in self._taken:
            self._last[key] = self._last.get(key, 1) + 1
            candidate = f"{base}-{self._last[key]}"
        self._taken.add(_key(candidate))
        return candidate


def _key(student: str) -> str:
    """Equal for ids that some file system holds to be the same name."""
    return unicodedata.normalize("NFC", student.casefold())
