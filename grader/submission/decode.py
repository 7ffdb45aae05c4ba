"""Bytes to text: encodings, and files that are no notebook at all."""

from __future__ import annotations

import codecs
import io
import re
import tokenize

from grader.errors import SubmissionError
from grader.language import later, say

_BOMS = [  # the longer first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
_BINARY = [
    (b"PK\x03\x04", later("a zip archive")),
    (b"%PDF", later("a PDF")),
    (b"\x89PNG", later("a picture")),
    (b"\xff\xd8\xff", later("a picture")),
    (b"\x1f\x8b", later("a compressed archive")),
    (b"Rar!", later("a compressed archive")),
    (b"7z\xbc\xaf", later("a compressed archive")),
    (b"\xd0\xcf\x11\xe0", later("an office document")),
]
_HTML = re.compile(r"\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--[^>]*+>\s*+)?<(?:!doctype\s++html|html|head|body)\b", re.I)
# Encodings of text for humans. Others that Python knows are slow (punycode takes quadratic time) or no text.
_TEXT_ENCODING = re.compile(r"(?:ascii|utf|iso8859|latin|cp\d|koi8|mac|big5|gb|shift|euc|iso2022|johab|hz|tis)")

DOWNLOAD = later("in Jupyter or Colab: File > Download (.ipynb)")


def decode_notebook(data: bytes, repairs: list[str]) -> str:
    """The text of an `.ipynb` file.

    Raises:
        SubmissionError: it is something else under that name; says what, and how to get the notebook.
    """
    if not data.strip(b" \t\r\n\0"):
        raise SubmissionError(say("the file is empty: save the notebook, and hand it in again"))
    for magic, what in _BINARY:
        if data.startswith(magic):
            text = say(
                "the file is {what}, not a notebook: hand in the notebook itself ({how})", what=what, how=DOWNLOAD
            )
            raise SubmissionError(text)
    text = _decode(data, _guess(data), repairs)
    if "\0" in text:
        text = text.rstrip("\0")
        if "\0" in text:
            what = say("the file holds binary data: hand in the notebook itself ({how})", how=DOWNLOAD)
            raise SubmissionError(what)
        repairs.append(say("the file ended in null bytes, which were left out"))
    if _HTML.match(text):
        what = say(
            "the file is a web page: you saved the page that shows the notebook; download the notebook instead ({how})",
            how=DOWNLOAD,
        )
        raise SubmissionError(what)
    if text.startswith("version https://git-lfs"):
        what = say(
            "the file is only a pointer of Git LFS, the notebook itself was not checked out: run `git lfs "
            "pull`, and hand in the file that is there then"
        )
        raise SubmissionError(what)
    return text


def decode_script(data: bytes, repairs: list[str]) -> str:
    """The text of a `.py` file, with `\\n` line ends, in the encoding its first lines declare (PEP 263).

    Raises:
        SubmissionError: it is empty, or not text.
    """
    if not data.strip(b" \t\r\n\0"):
        raise SubmissionError(say("the file is empty: save your work, and hand it in again"))
    encoding = _guess(data)
    if encoding in ("utf-8", "utf-8-sig"):
        try:
            declared, _ = tokenize.detect_encoding(io.BytesIO(data[:4096]).readline)
        except SyntaxError:
            pass  # unknown, or contradicts the byte order mark: the bytes themselves will tell
        else:
            if not declared.startswith("utf-8") and _TEXT_ENCODING.match(codecs.lookup(declared).name):
                encoding = declared
    text = _decode(data, encoding, repairs)
    if "\0" in text:
        raise SubmissionError(say("the file holds binary data: hand in the Python file, or the notebook, itself"))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    if data[:1] != b"\0" and data[1:2] == b"\0" != data[2:3]:
        return "utf-16-le"
    if data[:1] == b"\0" != data[1:2]:
        return "utf-16-be"
    return "utf-8"


def _decode(data: bytes, encoding: str, repairs: list[str]) -> str:
    """In this encoding if it fits, else as Windows writes Western text."""
    try:
        text = data.decode(encoding)
    except ValueError:  # UnicodeDecodeError, and what some codecs raise instead
        text = _decode_latin(data)
        repairs.append(say("the file was not valid UTF-8 and was read as Latin-1 (Windows-1252): check the accents"))
        return text
    if encoding == "utf-8-sig":
        repairs.append(say("the file had a byte order mark, which was left out"))
    elif encoding.startswith(("utf-16", "utf-32")):
        found = encoding[:6].upper()
        repairs.append(say("the file was {encoding} and was read as such; notebooks are UTF-8", encoding=found))
    return text.removeprefix("\ufeff")


def _decode_latin(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
