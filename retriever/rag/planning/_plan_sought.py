"""What a question seeks and what must not show: what is left when everything else has been struck out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retriever.rag.planning._plan_phrases import NO_NOUN, clean_phrase, is_generic
from retriever.rag.planning._plan_shape import spelled_out
from retriever.rag.planning._plan_words import STATES, is_class

MAX_PHRASE = 200
"""Most characters of a phrase; text encoders read fewer."""

MAX_PHRASES = 6
"""Most phrases that are searched for one question; each costs a search."""

_ASIDES = re.compile(
    r"^ ?(?:(?:quick|one|another|simple|just a) )?questions?\b ?[:,;-]|\bany idea\b"
    r"|\bis it (?:true|right|correct|the case|likely)(?: that)?\b|\b(?:is|was|would) it (?:be )?possible to\b"
    r"|,? ?(?:and )?(?:if so,? )?by how (?:much|many|far)\b"
    r"|\b(?:larger|bigger|smaller|longer|wider|taller|higher) than (?:a|an|one|half) [^,.;?!]{1,40}|"
    r"^ ?(?:hello|hi|hey|good (?:morning|afternoon|evening|day)|greetings|dear [a-z]{1,15})\b[^,;.!?]{0,20}[,;.!]"
    r"|\b(?:i|we) (?:am|are|was|work|study|teach|write)\b(?! (?:looking|searching|interested"
    r"|trying))[^,;.!?]{0,60}[,;.!?]"
    r"|\bwhich (?:one |of them |of the two )?(?:is|was|are|were|has|have|covers?|takes?|had)(?: up)?(?: the)?"
    r" (?:more|most|less|least|larger|bigger|smaller|[a-z]{3,12}er"
    r"|[a-z]{3,12}est)\b[^,:;?]{0,30}[,:] ?(?=(?:the |an? )?(?!or\b|and\b|in\b|than\b)[a-z]{3})|"
    r"[,;.?!]? ?(?:and )?(?:please )?\bhow (?:do|would|can|could|did) (?:you|we|i) (?:know|tell"
    r"|see|conclude|prove|support|find out)(?: (?:that|this|it|so))?\b"
    r"|[,;.?!]? ?(?:and )?how (?:sure|certain|confident) (?:are you|is (?:that|this"
    r"|it))(?: (?:about|of) (?:that|this|it))?"
    r"|[,;.?!]? ?(?:and )?(?:what|which|where) (?:is|are) (?:the|your|that) (?:evidence|proof"
    r"|sources?|basis)(?: (?:for|of|behind) (?:that|this|it))?(?: based on)?"
    r"|[,;.?!]? ?(?:and )?(?:please )?(?:cite|give|show|name|list)(?: me)? (?:your |the "
    r"|all )?(?:sources|evidence|citations|tiles|proof)\b(?! (?:of|with|that|from|in|where))"
    r"|[,;.?!]? ?(?:with|including) (?:evidence|citations|sources|proof|examples)\b"
    r"|[,;.?!]? ?(?:and )?(?:why|what makes you (?:think|say) so|explain why|can you prove it|on what evidence)\b\??$"
    r"|,? ?(?:and if so|if so|if any|if possible|if you can|as far as (?:you|we|i) can (?:see"
    r"|tell)|at all|in detail|in short|briefly|exactly|as well|for example|of course"
    r"|by any chance)\b"
    r"|\b(?:please|thanks|thank you|kindly|thx|many thanks|dear swath)\b"
    r"|\b(?:on|in|at|around|near|over|of|for|along|across|within) (?:this|that|these|those|my|our"
    r"|the given|the same|the whole|the entire|the visible|the present|the current) "
    r"(?:area|region|place|location|map|coast|spot|site|view|extent|part(?: of the world)?|scene"
    r"|image|tile|archive|index|polygon|box|river|lake|valley|country|town|city|village|period"
    r"|time|point|coordinates)\b"
    r"|\b(?:in|from|within|on|of|over|through|throughout) (?:the |your |this |our |my |all "
    r"|any )*(?:whole |entire |available |satellite )*(?:archive|index|images?|imagery|pictures"
    r"|tiles|data|data ?set|collection|scenes?|catalogue|catalog|database|photos|world|records?"
    r"|space|above|orbit|map|screen)\b(?! of)"
    r"|\bover (?:time|the years|the decades|the seasons|the period)\b|\b(?:year|month) (?:by|to"
    r"|after|on) (?:year|month)\b|\b(?:per|each|every) (?:year|month|day|season)\b"
    r"|\b(?:for the )?(?:first|last) time\b|\bbefore and after\b|\b(?:in|at|from) (?:the|that"
    r"|this) (?:area|region|place|location|surroundings|vicinity|neighbou?rhood|meantime|end"
    r"|moment|past|future)\b(?! (?:of|where))"
    r"|\b(?:in|for|during) (?:recent|the recent|past|earlier|later|all|those|these|some|other"
    r"|different|both|the same) (?:years?|months?|times?|days?|periods?|images)\b"
    r"|\b(?:once )?(?:any ?more|again)\b|\bno longer\b|\bor not\b|\bor (?:is|are|was|were|has"
    r"|have) (?:it|they|there) not\b|\bat present\b"
)
_NOTHING = r"(?:that|which|who|where|and|but|or|,)"
_ABSENT = re.compile(
    r",? ?(?:\b(?:but|and|or|yet|with|where|while|that|which|who|they|there|still|having|have|has"
    r"|had|show|shows|showing|contain|contains|containing|see|you see|we see|i see|is|are|was"
    r"|were|is there|are there) ){0,4}"
    r"(?:\b(?:without|excluding|except(?: for)?|other than|apart from|aside from|besides|lacking"
    r"|lacks?|devoid of|free (?:of|from)|instead of|rather than|ignoring|ignore|leaving out"
    r"|leave out|omitting|omit|minus|away from|far (?:away )?from|never|none of|neither|nor)\b"
    r"|\b(?:do|does|did|is|are|was|were|has|have|had|can|could|must|should|may) not\b(?: (?:be"
    r"|been|have|has|had|show|shows|contain|include|touch|cross|see|seen|hold|want|any|lie|lying"
    r"|located|situated))*"
    r"|\bno\b(?! (?:change|matter))|\bnot\b)"
    r"(?: (?:those|ones|any|a|an|the|of|single|visible|near(?:by)?|next to|close to|beside|in|on|at|with|by"
    r"|near to|along|having|containing|showing|covered (?:by|with)|being|any more|also|much|many"
    r"|even|from|for|to))*(?= [a-z])"
)
_STOP = re.compile(
    r"[,;.?!|]| (?:please|show|find|list|give|search)(?= )"
    r"| but | yet | however | that | which | who | where | when | although | while "
    r"| and (?:with|show|shows|are|is|has|have|were|was|can|do|does|how|what|list|give|near|next"
    r"|also|only)\b| or (?:is|are)\b"
    r"| (?:with|near|next to|close to|along|beside)(?= (?!no\b))"
)
_FREE = re.compile(r"\b([a-z]{3,20})-free\b")
_IS_NOT_THERE = re.compile(
    r"^(is|are|was|were|do|does|did|has|have) (?:there )?not(?: been)?(?: there)?(?: (?:any|a))?\b"
    r"|^(is|are|was|were) there (?:no|not any)\b(?! [a-z ]{0,30}\b(?:with|without)\b)"
)
_SUBJECT = re.compile(
    r"\b(?:the|this|that|a) (?:land|area|place|region|site|spot|location|point"
    r"|ground|box|rectangle|extent"
    r"|polygon|bounding box)s?(?: from| between| of| at| around)? ?(?=\|)"
)
"""What a struck out place is of: "the land at 46.95, -99.1"."""
_RELATION = re.compile(
    r" (?:close|next|near|beside|along|between|with|without|in|on|at|of|by|under|over|around|behind)\b"
)
_NOT_ONLY = re.compile(r"\bnot (?:only|just)\b")
_VERSUS = re.compile(
    r"\bversus\b|\bvs\b\.?|\bcompared (?:to|with)\b|\bin comparison (?:to|with)\b|\bthan\b"
    r"|\bas opposed to\b|\bagainst\b"
)
_DIFFERENCE = re.compile(r"\b(?:differences?|comparison|choice|distinguish)(?: (?:in|of) [a-z ]{1,30})? between\b")
_WITH = re.compile(r"\b(?:with|to|and)\b")
_LIST = re.compile(
    r", ?(?:and |or |but )?|; ?|\band/or\b|\b(?:and|or|nor|but|plus|as well as|along with|together with)\b|&"
)
_BETWEEN = re.compile(r"\b(between(?: [^\s,|]{1,30}){1,5}) and\b")
_MIXED = re.compile(r"\b([a-z]{3,15}) (?:and|or) ([a-z]{3,15})(?= [a-z])")


_COMPANY = re.compile(r"\b(?:with|near|next to|beside|along|close to|by) [^,;]{1,60}")
"""What something is found with or near stays with it: "harbours with cranes and containers"."""


@dataclass(frozen=True, kw_only=True)
class SoughtRead:
    """What a question says about what to find."""

    sought: tuple[str, ...] = ()
    """See ``QueryPlan``."""
    without: tuple[str, ...] = ()
    """See ``QueryPlan``."""
    joined_by_or: bool = False
    """Whether an "or" stands between things that are sought."""


def read_sought(text: str, *, compared: bool) -> SoughtRead:
    """Return what is sought, in phrases that a text encoder understands.

    Args:
        text: The question in lower case, with what has been read struck out.
        compared: Whether the question compares, so that "A with B" are two things.
    """
    text = _SUBJECT.sub(" ", re.sub(r"\|[| ]*", "|", spelled_out(text)))
    plain = " ".join(text.replace("|", " ").replace('"', " ").split())
    plain = " ".join(_ASIDES.sub(" ", plain).split())
    plain = _NOT_ONLY.sub(" ", plain).replace("but also", "and") if _NOT_ONLY.search(plain) else plain
    plain = _IS_NOT_THERE.sub(lambda found: f"{found[1] or found[2]} there", plain)
    head, absent = _split_absent(plain)
    sought = _phrases(head, compared=compared)
    noun = _head(sought[-1]) if sought else ""
    without = [_absent(phrase, noun) for piece in absent for phrase in _phrases(piece, compared=False)]
    return SoughtRead(
        sought=tuple(dict.fromkeys(sought))[:MAX_PHRASES],
        without=tuple(phrase for phrase in dict.fromkeys(without) if phrase not in sought)[:MAX_PHRASES],
        joined_by_or=len(sought) > 1 and bool(re.search(r"\bor\b", head)),
    )


def _split_absent(text: str) -> tuple[str, list[str]]:
    """Take out what must not show."""
    absent = [found[1] for found in _FREE.finditer(text)]
    text, kept, at = _FREE.sub(" ", text), "", 0
    while found := _ABSENT.search(text, at):
        stop = _STOP.search(text, found.end() + 1)
        end = stop.start() if stop else len(text)
        absent.append(text[found.end() : end])
        kept += text[at : found.start()] + " "
        at = end
    return kept + text[at:], absent


def _head(phrase: str) -> str:
    """Return what a phrase is about: of "houses close to a river" the houses."""
    before = _RELATION.split(phrase, maxsplit=1)[0]
    return (before or phrase).rsplit(maxsplit=1)[-1]


def _absent(phrase: str, noun: str) -> str:
    """A state alone is that of what is sought: "fields that are not flooded" are not flooded fields."""
    state = phrase.removesuffix(f" {NO_NOUN}")
    return f"{state} {noun}" if noun and state in STATES else phrase


def _phrases(text: str, *, compared: bool) -> list[str]:
    pieces = [part for piece in re.split(r"[.?!:]", text) for part in _parts(piece, compared=compared)]
    found = _shared_noun([clean_phrase(piece)[:MAX_PHRASE].strip() for piece in pieces])
    return [phrase for phrase in found if phrase and not is_generic(phrase)]


def _shared_noun(phrases: list[str]) -> list[str]:
    """Give a lone state the noun of the phrase before: "tanks full or empty" are full tanks and empty tanks."""
    for at in range(1, len(phrases)):
        state, noun = phrases[at].removesuffix(f" {NO_NOUN}"), phrases[at - 1].split(" ", 1)
        if state in STATES and len(noun) == 2 and noun[0] in STATES and noun[1] != NO_NOUN:
            phrases[at] = f"{state} {noun[1]}"
    return phrases


def _parts(text: str, *, compared: bool) -> list[str]:
    """Split a list, but not the name of a class, two adjectives of one noun, or what something lies between."""
    told = _DIFFERENCE.search(text) if compared else None
    text = f"compare {text[told.end() :]}" if told else text
    held = _BETWEEN.sub(r"\1 \0", text)
    held = _MIXED.sub(
        lambda found: found[0].replace(f"{found[1]} and", f"{found[1]} \0") if _are_states(found) else found[0], held
    )
    pieces = _VERSUS.split(held)
    if (
        compared
        and len(pieces) == 1
        and re.match(r" ?(?:please )?(?:can you |could you )?(?:compare|contrast|the difference between)\b", held)
    ):
        pieces = _WITH.split(held, maxsplit=1)
    parts = []
    for piece in pieces:
        named = is_class(clean_phrase(piece))
        parts += (
            [piece]
            if named
            else _LIST.split(
                _COMPANY.sub(lambda found: found[0].replace(" and ", " \0 ").replace(" or ", " \1 "), piece)
            )
        )
    return [part.replace("\0", "and").replace("\1", "or") for part in parts]


def _are_states(found: re.Match[str]) -> bool:
    sizes = {
        "small",
        "large",
        "big",
        "old",
        "new",
        "tall",
        "wide",
        "narrow",
        "long",
        "short",
        "round",
        "square",
        "sparse",
        "dense",
    }
    return all(word in STATES or word in sizes for word in found.groups())
