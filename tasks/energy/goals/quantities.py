"""Numbers in a goal and what they bound: throughput, shares, hours and distances; with units.

Every extractor says which characters it has read, so that a number nobody has read is noticed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.services import ServiceCatalogue

Span = tuple[int, int]

_NUMBER = r"(?<![\w.,])(\d+(?:[.,]\d+)?)\s*"
_RATE = re.compile(
    _NUMBER + r"(k|m|g|kilo|mega|giga)-?(?:bits?|b)(?:\s*/\s*s(?:ec)?|\s*p(?:er)?\s*s\w*|ps)?\b",
    re.IGNORECASE,
)
_RATE_FACTORS = {"k": 1e-3, "m": 1.0, "g": 1e3}
_PERCENT = re.compile(_NUMBER + r"(?:%|per ?cent\b|pct\b|prozent\b)", re.IGNORECASE)
_FRACTIONS = re.compile(
    r"\b((?<!ern )(?<!orth )(?<!outh )(?<!est )(?<!ast )half|hälfte|a third|ein drittel|"
    r"a quarter|ein viertel)\b",
    re.IGNORECASE,
)
_SHARES = {"half": 50, "hälfte": 50, "a third": 100 / 3, "ein drittel": 100 / 3,
           "a quarter": 25, "ein viertel": 25}  # fmt: skip
DISTANCE = re.compile(
    _NUMBER + r"(m|km|met(?:er|re)s?|metern?|kilomet(?:er|re)s?|kilometern?)\b", re.IGNORECASE
)
_NOT_UNDER = re.compile(
    r"\b(not|never|no|nobody|none|without|nicht|nie|kein\w*|niemand\w*)\b[^,;.]{0,45}"
    r"\b(below|under|less than|unter|weniger als)\W+(\w+\W+){0,2}$",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    r"\b(at most|no more than|not more than|maximum|max|up to|below|under|less than|höchstens|"
    r"maximal|nicht mehr als|bis zu|unter|weniger als)\W+(\w+\W+){0,2}$",
    re.IGNORECASE,
)
_ASLEEP = re.compile(
    r"\b(asleep|sleep\w*|off|dark|schlafen\w*|schläft|abgeschaltet|abschalten|aus)\b", re.IGNORECASE
)
_AWAKE = re.compile(r"\b(on|awake|active|on air|wach|aktiv|an|eingeschaltet)\b", re.IGNORECASE)
_LESS = re.compile(
    r"\b(sav\w*|less|reduc\w*|cut\w*|lower\w*|down|drop|spar\w*|einspar\w*|weniger|senk\w*|"
    r"reduzier\w*|runter)\b",
    re.IGNORECASE,
)


@dataclass
class Found:
    """What was read of a text.

    Attributes:
        floor_mbps, least_saving_share, most_asleep_share: as in `EnergyGoal`.
        problems: sentences about what cannot be read.
        spans: characters that were read.
    """

    floor_mbps: float | None = None
    least_saving_share: float | None = None
    most_asleep_share: float | None = None
    problems: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


def bounds(text: str, services: ServiceCatalogue) -> Found:
    """Return the bounds that a text names on throughput, saving and sleep; the strictest of each.

    A service that is named must keep the rate that it needs.
    """
    found = Found()
    for rate in _RATE.finditer(text):
        found.spans.append(rate.span())
        if _is_ceiling(text[: rate.start()]):
            found.problems.append(
                f"{rate[0].strip()!r} stands as a ceiling; a goal may only say what users keep."
            )
            continue
        value = _value(rate[1]) * _RATE_FACTORS[rate[2][0].lower()]
        found.floor_mbps = max(value, found.floor_mbps or 0.0)
    for name, need in _services_named(text, services):
        if need > (found.floor_mbps or 0.0):
            found.floor_mbps = need
        found.spans.append(name.span())
    for share, span in _shares(text):
        found.spans.append(span)
        _take_share(text, share, span, found)
    return found


def rates_and_shares(text: str) -> list[float]:
    """Return every number that a text gives a unit of rate, share or distance, in Mbit/s, % and m.

    What a model says of a text must be among them.
    """
    told = [_value(one[1]) * _RATE_FACTORS[one[2][0].lower()] for one in _RATE.finditer(text)]
    told += [share for share, _ in _shares(text)]
    told += [meters(one) for one in DISTANCE.finditer(text)]
    return told


def meters(distance: re.Match[str]) -> float:
    """Return a found distance in m."""
    return _value(distance[1]) * (1000.0 if distance[2].lower().startswith("k") else 1.0)


def distances(text: str) -> Iterator[tuple[float, Span]]:
    """Give every distance of a text in m, with its characters."""
    for one in DISTANCE.finditer(text):
        yield meters(one), one.span()


def _take_share(text: str, percent: float, span: Span, found: Found) -> None:
    """Note what a share bounds, told by the words around it in its clause."""
    before, after = _clause(text, span)
    around, told = f"{before} {after}", text[span[0] : span[1]].strip()
    if not 0.0 <= percent <= 100.0:
        found.problems.append(f"{told!r} is no share between 0 and 100 %.")
    elif _is_ceiling(text[: span[0]]) and _ASLEEP.search(around):
        _set_asleep(percent / 100.0, found)
    elif _AWAKE.search(after) and not _LESS.search(around):
        _set_asleep(1.0 - percent / 100.0, found)
    elif _LESS.search(around) and not _is_ceiling(text[: span[0]]):
        found.least_saving_share = max(percent / 100.0, found.least_saving_share or 0.0)
    else:
        found.problems.append(
            f"{told!r} is neither said to be saved nor to be asleep at most; say which."
        )


def _set_asleep(share: float, found: Found) -> None:
    held = found.most_asleep_share
    found.most_asleep_share = share if held is None else min(share, held)


def _clause(text: str, span: Span) -> tuple[str, str]:
    before = re.split(r"[,;.]\s|\b(?:but|aber|while|während)\b", text[: span[0]])[-1]
    after = re.split(r"[,;.](?:\s|$)|\b(?:but|aber|while|während)\b", text[span[1] :])[0]
    return before, after


def _is_ceiling(before: str) -> bool:
    return not _NOT_UNDER.search(before) and _AT_MOST.search(before) is not None


def _shares(text: str) -> Iterator[tuple[float, Span]]:
    for one in _PERCENT.finditer(text):
        yield _value(one[1]), one.span()
    for one in _FRACTIONS.finditer(text):
        yield float(_SHARES[one[1].casefold()]), one.span()


def _services_named(text: str, services: ServiceCatalogue) -> Iterator[tuple[re.Match[str], float]]:
    for service in services.services:
        words = service.name.split("_")
        told = {" ".join(words), words[-1], *words[:1]} - _GENERIC
        for one in re.finditer(rf"\b({'|'.join(sorted(told))})\b", text, re.IGNORECASE):
            yield one, service.floor_throughput_dl_mbps


_GENERIC = {"mobile", "fixed", "wireless"}


def _value(digits: str) -> float:
    return float(digits.replace(",", "."))


_OCLOCK = (
    r"(\d{1,2}(?:[:.]\d\d)?(?!\s*(?:%|m\b|km\b|mb|kb|gb|mega|kilo|giga|prozent|per))"
    r"(?:\s*(?:uhr|h|o'?clock|[ap]\.?m\b\.?))?|midnight|noon|mitternacht|mittag)"
)
_RANGE = re.compile(
    rf"(?:\b(?:from|between|von|zwischen|ab)\s+)?(?<![\w.:]){_OCLOCK}\s*"
    rf"(?:\bto\b|\buntil\b|\btill\b|\band\b|\bbis\b|\bund\b|-|\u2013)\s*{_OCLOCK}(?![\w:])",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    rf"\b(?:until|till|before|bis|vor)\s+(?:um\s+)?{_OCLOCK}(?![\w:])", re.IGNORECASE
)
_SINCE = re.compile(rf"\b(?:from|after|since|ab|nach)\s+{_OCLOCK}(?![\w:])", re.IGNORECASE)
_UNTIL_MORNING = re.compile(
    r"\b(?:until|till|bis)\s+(?:the\s+|zum\s+|in the\s+|tomorrow\s+)?(?:morning|morgen|früh)\b"
    r"|\b(?:in the morning|morgens)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*(uhr|h|o'?clock|[ap])?", re.IGNORECASE)
_NAMED_CLOCK = {"midnight": 0.0, "mitternacht": 0.0, "noon": 12.0, "mittag": 12.0}


@dataclass(frozen=True)
class Hours:
    """The time of a goal, local hours; None for any time."""

    from_hour: float | None = None
    until_hour: float | None = None
    problems: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()


def hours(text: str, rules: EnergyGoalRules) -> Hours:
    """Return the hours that a text names, by the clock or by name."""
    plain = _UNTIL_MORNING.sub(lambda found: " " * len(found[0]), text)
    named = [
        (name, found.span())
        for name, told in rules.hours.items()
        for found in re.finditer(
            rf"\b({'|'.join(_longest_first(told.words))})\b", plain, re.IGNORECASE
        )
    ]
    ranges = list(_RANGE.finditer(plain))
    spans = tuple([span for _, span in named] + [found.span() for found in ranges])
    names = sorted({name for name, _ in named})
    if len(names) > 1 or len(ranges) > 1:
        told = ", ".join([*names, *(found[0].strip() for found in ranges)])
        return Hours(problems=(f"It names several times ({told}); say one.",), spans=spans)
    usual = rules.hours[names[0]] if names else rules.hours["night"]
    first, last = (_hour(ranges[0][1]), _hour(ranges[0][2])) if ranges else (None, None)
    if ranges and first is not None and last is not None:
        first = _same_half(ranges[0], first, last)
        return _sound(first, last, spans)
    since, until = _SINCE.search(plain), _UNTIL.search(plain)
    spans += tuple(found.span() for found in (since, until) if found)
    if not (names or since or until or plain != text):
        return Hours()
    first = _hour(since[1]) if since else usual.from_hour
    last = _hour(until[1]) if until else usual.until_hour
    return _sound(first, last, spans)


def clock_hours(text: str) -> list[float]:
    """Return every number of a text as an hour that it may mean, by either half of the day."""
    told = [float(found[1]) for found in re.finditer(r"(?<![\w.,])(\d{1,2})(?![\w,])", text)]
    told += [
        hour
        for found in re.finditer(_OCLOCK, text, re.IGNORECASE)
        if (hour := _hour(found[0])) is not None
    ]
    return told


def _sound(first: float | None, last: float | None, spans: tuple[Span, ...]) -> Hours:
    if first is None or last is None or not (0 <= first <= 24 and 0 <= last <= 24):
        return Hours(problems=("It names an hour that no clock shows.",), spans=spans)
    if first % 24 == last % 24:
        return Hours(problems=("Its time begins where it ends.",), spans=spans)
    return Hours(first % 24, last % 24, (), spans)


def _hour(told: str) -> float | None:
    name = told.strip().casefold()
    if name in _NAMED_CLOCK:
        return _NAMED_CLOCK[name]
    found = _CLOCK.match(name)
    if found is None:
        return None
    value = int(found[1]) + int(found[2] or 0) / 60
    half = (found[3] or "")[:1].casefold()
    if half in {"a", "p"} and found[3].casefold() != "uhr":
        value = value % 12 + (12 if half == "p" else 0)
    return value


def _same_half(found: re.Match[str], first: float, last: float) -> float:
    """Return the first hour, of the last one's half of the day where only that is said."""
    is_said = re.search(r"[ap]\.?m", found[1], re.IGNORECASE) or ":" in found[1]
    is_pm = re.search(r"p\.?m", found[2], re.IGNORECASE)
    return first + 12 if not is_said and is_pm and first + 12 < last else first


def _longest_first(words: tuple[str, ...]) -> list[str]:
    return sorted((re.escape(word) for word in words), key=len, reverse=True)
