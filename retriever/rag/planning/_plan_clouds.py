"""How much cloud a question allows."""

from __future__ import annotations

import re

from retriever.rag.planning._plan_text import Canvas

CLOUD_FREE = 5.0
"""Percent that "cloud-free" allows: masks mark bright roofs and surf as cloud here and there."""

FEW_CLOUDS = 20.0
"""Percent that "few clouds" allows; a usual first setting in catalogues of scenes."""

_PERCENT = r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?(?:%|percent|per cent|pct)"
_CLOUD = r"(?:cloud[- ]cover(?:age|ed)?|cloud fraction|cloudiness|cloudy|clouded|clouds?)"
_AT_MOST = (
    r"(?:less than|fewer than|at most|no more than|not more than|under|below|max(?:imum"
    r"|imal)?(?: of)?|up to|<=?|lower than|smaller than|of|within)"
)
_CLOUD_LIMITS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:,? ?\b(?:and|but|with|has|have|having|that have|at"
        rf"|where) )?(?:{_AT_MOST} ){{1,2}}{_PERCENT} (?:of )?(?:the )?{_CLOUD}",
        r"(?:,? ?\b(?:and|but|with|has|have|having|that have|where|whose"
        rf"|if) )?(?:the )?(?:max(?:imum)? |maximal )?{_CLOUD}(?: cover(?:age)?)?(?: (?:is|of|was"
        rf"|stays?))?[ :=]{{1,2}}(?:{_AT_MOST} ?){{0,2}}{_PERCENT}",
        rf"(?:,? ?\b(?:and|but|with|at) )?{_PERCENT} {_CLOUD} (?:or less|at most|max(?:imum)?|or fewer)",
        rf"(?:,? ?\b(?:and|but|with) )?(?:max(?:imum)?\.? ){_PERCENT} {_CLOUD}",
        rf"(?:,? ?\b(?:and|but|with) )?{_CLOUD} ?(?:<=?) ?{_PERCENT}",
        rf"(?:,? ?\b(?:that|which) )?(?:is|are) (?:{_AT_MOST} ){_PERCENT} {_CLOUD}",
    )
)
_CLOUD_FREE = re.compile(
    r"(?:,? ?\b(?:and|but|in|on|under|with|only|that|which|where|when|are|is|it|was|there|were|has"
    rf"|have|show|shows|a|the|completely|totally|please) ){{0,4}}"
    r"(?:cloud-?less|(?:cloud|haze)[- ]?free|free (?:of|from) (?:any )?clouds?|(?:clear|blue"
    r"|cloudless)(?:[- ](?:sky|skies|weather|day|days))"
    r"|(?:without|no|not|zero|never|neither|excluding|except)(?: (?:any|a|the|too|many|much|much|very|be"
    rf"|been|being))*? {_CLOUD}(?: cover(?:age)?)?"
    rf"|(?:no|without) haze|not (?:be )?(?:obscured|covered|hidden) by clouds?)"
    rf"(?:(?= )| (?:images?|imagery|tiles?|scenes?|pictures?|days?|conditions?|views?))?"
)
_FEW = re.compile(
    rf"(?:,? ?\b(?:and|but|with|only) ){{0,2}}(?:(?:few|little|low|hardly any|almost no|nearly no"
    rf"|minimal|not (?:too|very) (?:many|much)) {_CLOUD}(?: cover(?:age)?)?"
    rf"|(?:mostly|almost|nearly|largely) (?:clear|cloud-?free|cloudless))"
)
_MANY = re.compile(
    rf"(?:more than|over|at least|above|>) ?{_PERCENT} (?:of )?{_CLOUD}|{_CLOUD}(?: (?:above|over"
    rf"|of more than|more than|>)) ?{_PERCENT}"
)


_NEGATION = re.compile(
    rf"\b(?:without|no|not|neither|excluding|except|free (?:of|from))(?: any| a| the)? (?={_CLOUD}\b)"
)
_AS_WELL = re.compile(
    r",? (?:and|or|nor) (?!(?:with|without|only|no|not|in|on|at|near|from|since|before|after|during|by|show|list|give"
    r"|find|tell|count|how|what|which|where|when|is|are|was|were|has|have|many|few|clear)\b)(?=[a-z])"
)
"""What is left out together with the clouds: "without clouds or ships"."""


def _struck(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Return what is struck out; a negation stays for what else it is of."""
    negation, more = _NEGATION.search(match[0]), _AS_WELL.match(text, match.end())
    if negation is None or more is None:
        return match.span()
    return match.start() + negation.end(), more.end()


def read_clouds(canvas: Canvas) -> tuple[float | None, tuple[str, ...]]:
    """Read and strike out how much cloud a question allows, in percent."""
    many = _MANY.search(canvas.free)
    if many:
        canvas.strike(many.start(), many.end())
        return None, ("A least cloud cover cannot be asked for here; use a filter such as cloud > 50.",)
    for pattern in _CLOUD_LIMITS:
        match = pattern.search(canvas.free)
        if match:
            canvas.strike(match.start(), match.end())
            percent = float(next(group for group in match.groups() if group))
            if percent <= 100:
                return percent, ()
            return None, (f"{percent:g} % cloud is no limit; percent go from 0 to 100.",)
    for pattern, percent in ((_FEW, FEW_CLOUDS), (_CLOUD_FREE, CLOUD_FREE)):
        match = pattern.search(canvas.free)
        if match:
            words = canvas.text[match.start() : match.end()].strip(" ,")
            canvas.strike(*_struck(canvas.free, match))
            return percent, (f'"{words}" was read as at most {percent:g} % cloud.',)
    return None, ()
