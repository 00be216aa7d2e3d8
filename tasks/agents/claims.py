"""What a text claims that can be checked: names of objects, moments, citations, links, numbers.

Every run of characters with a digit in it is some claim; none is passed over.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

ClaimKind = Literal["dn", "citation", "link", "moment", "number", "name"]

DN = re.compile(
    r"""(?<![\w=])[A-Z][\w-]*=(?:\\.|[^\s,;()\[\]"'`\\])+"""
    r"""(?:,[A-Za-z][\w-]*=(?:\\.|[^\s,;()\[\]"'`\\])+)*"""
)
_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+|\S+@[\w-]+\.\w\S*", re.IGNORECASE)
_CITATION = re.compile(r"\[([^\[\]]{1,200})\]")
_MONTHS = "january february march april may june july august september october november december"
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS.split())
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?"
_MOMENT = re.compile(
    rf"(?P<date>\d{{4}}-\d\d-\d\d)(?:[T ](?P<clock>{_CLOCK})(?:\s?Z|[+-]\d\d:?\d\d)?)?"
    rf"|(?<![\w.:])(?P<only_clock>{_CLOCK})(?![\w:])"
    rf"|(?<!\w)(?:(?P<day>\d{{1,2}})\s(?P<month>{_MONTH})"
    rf"|(?P<other_month>{_MONTH})\s(?P<other_day>\d{{1,2}})(?![\d:]))"
    rf"(?!\w)(?:,?\s(?P<year>\d{{4}})(?!\d))?",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^[ \t]*\d{1,2}[.)][ \t]", re.MULTILINE)
_EDGE = r"""\s()\[\]{}"'`;:!?|"""
_RUN = re.compile(rf"[^,{_EDGE}]*\d(?:[^{_EDGE}]*[^,.{_EDGE}])?")
_UNIT = (
    r"%|‰|°C?|dB[mic]?|pp|[xX\u00d7]|st|nd|rd|th|deg|days?|hours?|minutes?|seconds?|min|hrs?|ms|[µu]s|"
    r"[kMGT]?(?:bit|bps|byte|B|W|Wh|Hz|m|s|h|d)(?:/s|ps)?|[kM]"
)
_NUMBER = re.compile(
    r"[~≈<>≤≥±=#+*x\u00d7]*(?P<sign>[-\u2212]?)[$€]?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<rest>\.\d+)?"
    rf"(?P<power>[eE][-+]?\d{1, 2})?(?P<unit>{_UNIT})?"
)
_SPLIT = re.compile(r"(?<=[\w%°])(?:[-\u2013\u2014/\u2192\u2026]|\.\.)+(?=[\w$€+-])")
_TECHNOLOGIES = frozenset({"2g", "3g", "4g", "5g", "6g", "3gpp"})
_WORDS: dict[str, int] = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "thousand": 1000, "million": 1_000_000,
}  # fmt: skip
_SPELT = re.compile(rf"(?<!\w)(?:{'|'.join(_WORDS)})s?(?!\w)", re.IGNORECASE)
_PERCENT_NEXT = re.compile(r"\s?(?:%|percent|per cent|pct)", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"([A-Za-z]+)\W{0,2}$")


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a text says.

    Attributes:
        text: as it stands there.
        value: of a number, its sign kept where one is written; else 0.
        decimals: digits after the point that are shown; negative never.
        is_percent: a percent sign or word follows.
        word_before: in small letters; labels such as `cell` make a number a name.
        date: of a moment: `2026-03-01`, or `03-01` where no year is said.
        clock: of a moment: `14:05` or `14:05:30`.
    """

    kind: ClaimKind
    text: str
    value: float = 0.0
    decimals: int = 0
    is_percent: bool = False
    word_before: str = ""
    date: str = ""
    clock: str = ""


def normal(text: str) -> str:
    """Return the text with look-alike letters and digits as the plain ones."""
    return unicodedata.normalize("NFKC", text).replace("\u2212", "-")


def claims(text: str) -> list[Claim]:
    """Return what a text claims; the text should be `normal` already."""
    found: list[Claim] = []
    for take in (_links, _citations, _dns, _moments):
        taken, text = take(text)
        found.extend(taken)
    return found + list(_numbers(text))


def _blanked(pattern: re.Pattern[str], text: str) -> tuple[list[re.Match[str]], str]:
    return list(pattern.finditer(text)), pattern.sub(lambda match: " " * len(match[0]), text)


def _links(text: str) -> tuple[list[Claim], str]:
    matches, rest = _blanked(_LINK, text)
    return [Claim("link", match[0].rstrip(".,;)")) for match in matches], rest


def _citations(text: str) -> tuple[list[Claim], str]:
    matches, rest = _blanked(_CITATION, text)
    cited = [part.strip() for match in matches for part in re.split(r"[;,]\s", match[1])]
    return [Claim("citation", one) for one in cited if one], rest


def _dns(text: str) -> tuple[list[Claim], str]:
    matches, rest = _blanked(DN, text)
    return [Claim("dn", match[0].rstrip(".:!?")) for match in matches], rest


def _moments(text: str) -> tuple[list[Claim], str]:
    matches, rest = _blanked(_MOMENT, text)
    return [_moment(match) for match in matches], rest


def _moment(match: re.Match[str]) -> Claim:
    date = match["date"] or ""
    month = match["month"] or match["other_month"]
    if month:
        number = [name[:3] for name in _MONTHS.split()].index(month.lower()[:3]) + 1
        day = int(match["day"] or match["other_day"])
        date = f"{match['year']}-{number:02}-{day:02}" if match["year"] else f"{number:02}-{day:02}"
    clock = (match["clock"] or match["only_clock"] or "").replace(",", ".").split(".")[0]
    return Claim("moment", match[0].strip(), date=date, clock=clock.zfill(5) if clock else "")


def _numbers(text: str) -> Iterator[Claim]:
    text = _LIST_MARK.sub(lambda match: " " * len(match[0]), text)
    for match in _RUN.finditer(text):
        is_percent = bool(_PERCENT_NEXT.match(text, match.end()))
        before = _WORD_BEFORE.search(text, max(0, match.start() - 40), match.start())
        word = before[1].lower() if before else ""
        yield from _run(match[0], word, is_percent=is_percent)
    for match in _SPELT.finditer(text):
        value = _WORDS[match[0].lower().removesuffix("s")]
        is_percent = bool(_PERCENT_NEXT.match(text, match.end()))
        yield Claim("number", match[0], float(value), is_percent=is_percent)


def _run(text: str, word_before: str, *, is_percent: bool) -> Iterator[Claim]:
    whole = _number(text, word_before, is_percent=is_percent)
    if whole is not None:
        yield whole
        return
    split = _SPLIT.split(text)
    begins_with_number = any(letter.isdigit() for letter in split[0])
    parts = [part for part in split if any(letter.isdigit() for letter in part)]
    numbers = [
        _number(part, word_before, is_percent=is_percent or text.endswith("%")) for part in parts
    ]
    if begins_with_number and all(number is not None for number in numbers):
        yield from (number for number in numbers if number is not None)
    elif text.casefold() not in _TECHNOLOGIES:
        yield Claim("name", text, word_before=word_before)


def _number(text: str, word_before: str, *, is_percent: bool) -> Claim | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    rest, power = match["rest"] or "", match["power"] or ""
    value = float(f"{match['sign'] and '-'}{match['digits'].replace(',', '')}{rest}{power}")
    decimals = len(rest) - 1 if rest else 0
    if power:
        decimals -= int(power[1:])
    is_percent = is_percent or match["unit"] == "%"
    return Claim("number", text, value, decimals, is_percent, word_before)
