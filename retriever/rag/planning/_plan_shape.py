"""What kind of answer a question wants, by the words it is asked in."""

from __future__ import annotations

import re

from retriever.rag._types import Shape
from retriever.rag.planning._plan_words import CHANGE_VERBS

CONTRACTIONS = {
    "isn't": "is not", "aren't": "are not", "wasn't": "was not", "weren't": "were not", "don't": "do not",
    "doesn't": "does not", "didn't": "did not", "hasn't": "has not", "haven't": "have not", "hadn't": "had not",
    "can't": "can not", "cannot": "can not", "couldn't": "could not", "there's": "there is", "what's": "what is",
    "where's": "where is", "wheres": "where is", "whats": "what is",
    "who's": "who is", "how's": "how is", "it's": "it is", "i'd": "i would", "i'm": "i am",
    "i've": "i have", "let's": "let us", "when's": "when is", "that's": "that is", "there're": "there are",
    "where're": "where are", "what're": "what are", "how've": "how have",
}  # fmt: skip
_CONTRACTED = re.compile(rf"\b(?:{'|'.join(CONTRACTIONS)})(?!\w)")

_POLITE = re.compile(
    r"^(?:[ |,.;:!?-]|(?:please|kindly|hi|hello|hey|ok|okay|so|well|now|and|but|then|also"
    r"|dear swath|swath|urgent(?:ly)?|asap|quick question|question|thanks|first|only|just)\b"
    r"|(?:can|could|would|will) (?:you|we|i) (?:please )?(?:tell|explain to|say to|help)(?: (?:me"
    r"|us))?(?: (?:to )?(?:find out|see|understand|know))?\b"
    r"|(?:i|we) (?:would like|want|need|wish|am trying|am curious|wonder)(?: (?:to (?:know|see"
    r"|find out|understand|learn|find)|for|about|you to))?\b"
    r"|(?:tell|explain to) (?:me|us)\b|do you (?:know|happen to know)\b|is it possible to (?:say"
    r"|see|tell)\b|(?:explain|say)\b"
    r"|what i want to know is\b|i am looking for\b|any idea\b|if\b|whether\b)"
)
_UNITS_OF_TIME = (
    r"(?:years?|months?|dates?|days?|seasons?|decades?|summers?|winters?|springs?|autumns?|weeks?"
    r"|time|times|moment|point in time|scenes? dates?)"
)
_PLACES = r"(?:places?|areas?|regions?|locations?|sites?|parts?|spots?|corners?|zones?|sides?|positions?|direction)"
_AUX = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would)"

_COMPARE = re.compile(
    r"\b(?:compar\w{1,9}|versus|vs|differ|differs|differed|difference|differences|different from"
    r"|contrast|side by side)\b|\bas (?:many|much|big|large|wide|green|wet|dry|long) \w{0,20} ?as\b"
)
_MORE = (
    r"(?:more|less|fewer|larger|bigger|smaller|wider|narrower|longer|shorter|higher|lower|denser"
    r"|sparser|greener|drier|wetter|greater|fuller|emptier|cleaner|busier|most|least|largest"
    r"|biggest|smallest|greenest|driest|wettest|fewest|better|worse|darker|brighter)"
)
_THAN = re.compile(rf"\b{_MORE}\b.*\bthan\b(?! [0-9])|\bthan (?:in|on|at|during|before|after|it|today|now|[|])")
_MORE_OR = re.compile(rf"\b{_MORE}\b.*\bor\b|\bor\b.*\b{_MORE}\b")
_MORE_ANY = re.compile(rf"\b{_MORE}\b")
_NO_THAN = re.compile(
    r"\b(?:other|rather|more|less|fewer) than(?= [0-9a-z]{1,12} (?:%|percent|km|clouds?))"
    r"|\b(?:other|rather) than\b|\b(?:at )?(?:most|least) (?:likely|recent|of)\b|\bonce more\b"
    r"|\bany more\b"
)
_COUNT = re.compile(
    r"\bhow many\b|\bcount\b|\bthe number of\b|\bnumber of\b|\bhow often\b|\bhow much\b"
    r"|\bhow numerous\b|\bwhat (?:share|fraction|percentage|proportion|area|extent) of\b"
    r"|\btotal (?:number|count|area)\b|\bhow large (?:is|was) the area\b"
)
_WHEN = re.compile(
    rf"^(?:since |from |until |till )?when\b|\b(?:since|until) when\b|\bwhen (?:exactly )?{_AUX}\b"
    rf"|\b(?:which|what|in which|in what|on which|on what|at what|at which) (?:[a-z]{{3,12}} )?{_UNITS_OF_TIME}\b"
    r"|\bhow long\b|\b(?:first|last) (?:seen|visible|appear|appears|appeared|show|shows|shown"
    r"|detected|observed|imaged|built|photographed|time|date|year|image|captured)\b"
    r"|\b(?:list|show|give|find)(?: me)? (?:all )?(?:the )?(?:years|dates|months|days)\b|\b(?:the"
    r"|earliest|latest|exact) (?:date|year|month)s? (?:when|on which|in which|that|at which)\b"
    r"|\bhow (?:recent|recently|old)\b|\bearliest\b|\b(?:newest|latest|oldest|most recent)"
    r" (?:[a-z0-9-]{2,20} ){0,2}(?:images?|pictures?|photos?|tiles?|scenes?|views?|acquisitions?|passe?s?)\b"
)
_WHERE = re.compile(
    rf"^(?:in |from |to )?where\b|\bwhere (?:exactly )?(?:{_AUX}|else)\b|\b(?:which|what|in which"
    rf"|in what|at which|at what) (?:[a-z]{{3,12}} )?{_PLACES}\b|\blocate\b"
    rf"|\b(?:the )?(?:location|position|coordinates|whereabouts)s? of\b|\b{_PLACES} where\b"
    r"|\bwhereabouts\b|\bon (?:which|what) side\b"
)
_NOUNS = (
    "change|changes|movement|growth|expansion|shrinkage|retreat|loss|losses|evolution|development|erosion|deforestation|urbani[sz]ation|recovery|decline|"
    "increase|decrease|shift|migration|transformation|advance|disappearance|gains?"
)
_CHANGE = re.compile(
    rf"\b(?:{'|'.join(sorted(CHANGE_VERBS, key=len, reverse=True))})\b|\b(?:{_NOUNS})\b"
    r"|\bbefore and after\b|\bover (?:time|the years|the decades|the seasons)\b|\b(?:year"
    r"|month) (?:by|to|after) (?:year|month)\b|\bhappen(?:ed|ing|s)?\b|\b(?:become|became"
    r"|becoming|turned? (?:in)?to|turned|converted|replaced|(?<=been )(?:eroded|regrown"
    r"|deforested|cleared|urbani[sz]ed))\b"
    r"|\b(?:newly|new)\b|\bdr(?:ied|y|ying) (?:up|out)\b|\bno longer\b|\bused to be\b"
    r"|\bthrough(?:out)? the years\b|\bget(?:ting)? (?:larger|bigger|smaller|wider|greener|drier"
    r"|wetter|narrower)\b|\bgot(?:ten)? (?:larger|bigger|smaller|wider|greener|drier|wetter"
    r"|narrower)\b"
)
_ASKED = re.compile(
    rf"^{_AUX}\b(?! (?:you|we|i) (?:please )?(?:show|find|list|give|describe|compare|count|locate"
    r"|display|get|search|map|point|identify|look|summari[sz]e|detect)\b)|(?<!what )(?<!which )\bis there\b"
    r"|\bare there\b|\bwhether\b|^any(?:thing|body|one)?\b|^there (?:is|are|was|were)\b"
)


def spelled_out(text: str) -> str:
    """Return a text without contractions."""
    return _CONTRACTED.sub(lambda found: CONTRACTIONS[found[0]], text)


def without_politeness(text: str) -> str:
    """Return a question from where it is asked."""
    while (rest := _POLITE.sub("", text, count=1)) != text:
        text = rest
    return text


def read_shape(whole: str, text: str, *, periods: int, places: int) -> Shape:
    """Return what kind of answer is wanted.

    Args:
        whole: The question in lower case.
        text: The same with what has been read struck out.
        periods: How many periods were read.
        places: How many places.
    """
    asked = _GROWING.sub(" ", without_politeness(spelled_out(text)))
    asked = _LISTING.sub(r"\1", asked)
    if _THERE.search(asked) and not _COMPARE.search(whole):
        asked = _NOUN.sub(" ", asked)
    asked = _BY_HOW_MUCH.sub(" ", asked)
    plain = " " if _THAN_A.search(asked) else _NO_THAN.sub(" ", asked)
    if (
        _COMPARE.search(whole)
        or (periods > 1 and _AGAINST.search(whole))
        or _THAN.search(plain)
        or _MORE_OR.search(plain)
    ):
        return "compare"
    if _MORE_ANY.search(plain) and (periods > 1 or places > 1) and not _COUNT.search(plain):
        return "compare"
    for shape, pattern in _IN_ORDER:
        if pattern.search(asked) or (shape == "when" and pattern.search(whole)):
            return shape
    return "presence" if _ASKED.search(asked) else "describe"


_BY_HOW_MUCH = re.compile(r",? ?(?:and )?(?:if so,? )?by how (?:much|many|far)\b")
_THAN_A = re.compile(
    r"^(?:show|find|list|give|count|how many|which|search|get|locate|map|identify|all"
    r"|[a-z]{3,20}s)\b.*\b(?:larger|bigger|smaller|longer|wider|taller|higher) than (?:a|an|one"
    r"|half)\b"
)
_AGAINST = re.compile(r"\b(?:against|relative to|as opposed to|than)\b")
_GROWING = re.compile(
    r"\b(?:crops?|plants?|trees?|vines?|rice|wheat|maize|forests?) (?:is |are )?(?:grow|grows|grown|growing)\b"
)
"""Plants grow: that is no change."""
_LISTING = re.compile(r"^((?:which|what) [^?.!]{0,80}?)\b(?:is|are|was|were) there\b")
""""Which harbours are there" wants them listed, and does not ask whether there are any."""
_THERE = re.compile(r"^(?:(?:is|are|was|were) there\b|any\b)")
_NOUN = re.compile(rf"\b(?:{_NOUNS})\b")


def asks_which(shape: Shape, whole: str) -> bool:
    """Return whether an "or" between things asks for one of them: "a lake or a river?", not "any lakes or rivers?"."""
    asked = without_politeness(spelled_out(whole))
    return (shape == "presence" and not _EITHER.search(asked)) or (
        shape == "describe" and "?" in whole and not _LISTED.search(whole)
    )


def tells_of_change(whole: str) -> bool:
    """Return whether a question speaks of change: "any changes?" asks for what changed where nothing is sought."""
    return bool(_CHANGE.search(whole))


_EITHER = re.compile(r"\bany\b|^(?:are|were) there\b|^(?!is\b|are\b|was\b|were\b)")
"""What one of several things is enough for."""
_LISTED = re.compile(r"\b(?:which|what|show|find|list|give|search|locate|identify|describe|any|get|images|pictures)\b")
_CHANGED_AMOUNT = re.compile(rf"\bhow much\b.*(?:{_CHANGE.pattern})|\bnumber of\b.*(?:{_CHANGE.pattern})")
_IN_ORDER: tuple[tuple[Shape, re.Pattern[str]], ...] = (
    ("when", re.compile(r"^(?:since |from |until )?when\b")),
    ("change", _CHANGED_AMOUNT),
    ("count", _COUNT),
    ("when", _WHEN),
    ("where", _WHERE),
    ("change", _CHANGE),
)
"""The first that is found is taken."""
