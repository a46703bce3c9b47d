"""Pieces of questions made into noun phrases for a text encoder: "were the fields flooded" is "flooded fields"."""

from __future__ import annotations

import re

from retriever.rag.planning._plan_words import CHANGE_VERBS, STATES, VERBS_AS_STATES, is_thing, word_set

_PICTURE = (
    r"(?:images?|imagery|pictures?|tiles?|scenes?|photos?|photographs?|shots?|views?|examples?"
    r"|data|records?|evidence|signs?|traces?|acquisitions?|observations?|hits?|results?|matches)"
)
_AREA = (
    r"(?:places?|areas?|regions?|locations?|sites?|spots?|parts?|zones?|things?|anything"
    r"|something|everything|stuff|kinds?|types?)"
)
_SHOWING = (
    r"(?:of|with|showing|shows?|containing|contains?|contain|featuring|depicting|for|over|from"
    r"|where|that show|which show|that contain|which contain|that have|which have|that has"
    r"|in which|on which|have|has|with|covered (?:by|with|in)|there|there are|there is)"
)
_LEADING = re.compile(
    r"^(?:[ ,'\"()-]"
    r"|(?:can|could|would|will|may|shall) (?:you|we|i|one)(?: please)?\b"
    r"|(?:i|we) (?:would like|want|need|wish|wonder|am|are|have|can|could|see)\b"
    r"|(?:to )?(?:tell|show|give|find|get|bring|fetch|list|display|present|return|search|look"
    r"|locate|identify|detect|map|describe|explain|summari[sz]e|report|check|determine"
    r"|count|compare|contrast|retrieve|see|spot|highlight|know|learn|understand|estimate|measure"
    r"|assess|pick|select|name|say|contain|include|hold|depict|feature|reveal|cover|wonder"
    r"|interested|looking|searching|detecting|need|like|want"
    r"|help)(?: (?:me|us|(?:my|our) (?:class|boss|team|students|colleagues?|kids|children"
    r"|friends?|client|users?)|out|up|through|at|to|whether|if|in|about|for|all))*(?= |$)"
    r"|do you (?:have|know|see|find|hold)\b|do we have\b|have you (?:got|seen)\b|got any\b"
    r"|(?:since|until|from|in|on|at|to|by|for|during) (?:when|which|what|where)\b"
    r"|how (?:many|much|often|long|far|fast|big|large|wide|deep|high|tall|old|recently|recent|wet"
    r"|dry|green|dense|strongly|quickly|badly|severe|severely|busy|full)(?: (?:different|more|of"
    r"|is|was|has|did))?\b"
    r"|(?:how|what|which|where|when|whose|who|why|whether|if|whereabouts)\b"
    r"|(?:years?|months?|dates?|days?|seasons?|times?|decades?|summers?|winters?|moment)(?= (?:is"
    r"|are|was|were|do|does|did|has|have|had|show|shows|can|could|with|when|where|that|which)\b)"
    rf"|(?:is|are|was|were|has|have|had|does|do|did|be|been|being|will|would|can|could|should|may|might|must)\b"
    r"|(?:there|it|they|you|we|i|he|she|one|me|us|them|its|their|your|my|our|his|her)\b"
    r"|(?:a|an|the|any|some|all|every|each|both|either|neither|several|many|much|few|more|most"
    r"|less|fewer|least|another|other|others|certain|various|different|such|that|which|this|these"
    r"|those|single|two|three|four|five|six|seven|eight|nine|ten|[0-9]{1,4}|best|top|lots?|plenty"
    r"|enough|no|not|same)\b(?!-)"
    r"|(?:still|ever|already|currently|now|also|really|actually|possibly|probably|only|just|even"
    r"|again|once|usually|always|recently|newly|roughly|approximately|urgent|urgently|asap|common"
    r"|frequent|widespread|prevalent|abundant|numerous|clearly|visible|available|existing|actual"
    r"|exact"
    r"|total|overall|recent|latest|earliest|oldest|newest|first|last|previous|new|so|then|please"
    r"|yes|ok|okay|well|maybe|perhaps|finally|mainly|mostly|here|how)\b(?!-)"
    r"|(?:satellite |aerial |remote sensing |space |good |clear "
    rf"|best )*{_PICTURE}\b(?: {_SHOWING}\b)*(?! (?:in|on) (?:a|the) )"
    rf"|{_AREA} {_SHOWING}\b"
    r"|(?:of|in|on|at|to|for|from|by|with|within|into|onto|over|across|during|about|around|near"
    r"|between|among|as|and|or|but|than|against|versus|vs|where|along|off|through|before|after|regarding"
    r"|concerning|up|out|per|via|while|because|beside|besides)\b(?!-)"
    r"|(?:numbers?|sides?|edges?|half|list|total|count|share|fraction|percentage|proportion"
    r"|extent|area|areas|amount|size"
    r"|state|condition|presence|occurrence|distribution|location|locations|position|positions"
    r"|coordinates|whereabouts|course|outline|lots|kind|kinds|type|types|sort|loss|growth"
    r"|expansion|changes?|movement|evolution|development"
    r"|increase|decrease|decline|retreat|differences?|comparison|history|existence|appearance"
    r"|disappearance|shrinkage|rate|level|degree|situation|spread|damage done|effects?|impact"
    r"|timeline|construction) (?:of|in|to|between|for|from)\b"
    r"|(?:happen(?:ed|s|ing)?|changed|change|going on|went on|become|became)"
    r" (?:to|of|with|in|at|on|along|near|around|by|across|over|inside|within|beside)\b"
    r"|(?:the |your |this |our )?(?:archive|index|catalogue|catalog|database)"
    r" (?:have|has|had|contain|contains|show|shows|hold|holds|include|includes|cover|covers)\b"
    r"|colou?rs? (?:is|are|was|were)\b|(?:similar|comparable) to\b|resembl(?:e|es|ing)\b|look(?:s|ing)? like\b"
    r"|(?:differences?|comparison|larger|bigger|smaller|wider|narrower|longer|shorter|greater"
    r"|better|worse|higher|lower)\b(?!-)"
    r")"
)
_TRAILING = word_set(
    """
a an the of in on at to for from by with within into over across during about and or but than as near around is
are was were be been being do does did has have had can could will would there here it they that this these
those which where when what how you we i me us them seen visible shown observed found detected imaged
photographed captured taken acquired located situated built constructed opened finished created present
available exist exists existed show shows happen happened happening occur occurred see look like looked looks
know still ever already currently now today too also again together nearby respectively anywhere somewhere
everywhere likely possible please find spot count identify detect common frequent widespread dominant prevalent
abundant numerous since until before after between more less fewer first last then later earlier originally most
least or not any recently clearly mainly mostly once back along off through up out down away far much many else
lie lies stand stands appear appears get gets got gotten become became larger bigger smaller greener drier
wetter denser fuller emptier greater wider narrower longer shorter higher lower better worse begin began start
started stop stopped end ended take place took exactly apart same different differ differs differed do done make
made completely entirely fully partly partially heavily strongly quickly slowly significantly really actually
constantly so sure its their only go rapidly noticeably measurably considerably substantially ones one
themselves itself
"""
)
"""Words that a phrase does not end with."""
_INSIDE = word_set(
    """
ever already currently also really actually possibly probably please any some still visible visibly you we i me
us clearly partly partially mostly recently completely entirely fully heavily severely badly there exist exists existed
lie lies lying lay located situated
"""
)
"""Words that are left out anywhere."""
_LOST = word_set(
    """
loss losses growth expansion changes change retreat gain gains shrinkage movement decline evolution extent area
level development increase decrease position shape outline situation images image imagery pictures picture
photos tiles tile scenes scene size
"""
)
"""Nouns that a phrase does not end with: of "forest loss" the forest is to be found."""
_BE = word_set(
    """
is are was were be been being become becomes became get gets got look looks looked turn turned stay stayed
remain remained seem seems
"""
)
_HAVE = re.compile(
    r"(?<=\w) (?:(?:that|which|who) )?(?:have|has|had|having|contain|contains|containing"
    r"|contained|include|includes|including|show|shows|showing) (?:a |an |the |some |any )?(?=\w)"
)
_RELATIVE = re.compile(r" (?:that|which|who)(?= |$)")
_WHERE = re.compile(r"^(?:.*\b(?:where|in which|on which) )(?=\w)")
_ARTICLES = re.compile(r"(?<= )(?:the|an|any|some|its|their|your|our) (?=\w)")
_ADVERB = re.compile(r"^(?:[a-z]{4,14}ly|very|quite|too|most|more|all|so|under)$")
_GENERIC = word_set(
    """
image images imagery picture pictures tile tiles scene scenes photo photos photograph photographs area areas
place places region regions location locations site sites spot spots thing things anything something everything
nothing date dates year years month months season seasons time times data evidence situation change changes
difference differences development it they them this that these those here there archive index view views look
map information example examples shot shots record records state condition conditions proof part parts side day
days period periods decade decades week weeks coordinates coordinate point position number numbers amount what
which where when how latitude longitude lat lon neighbourhood neighborhood surroundings vicinity question answer
answers km mile miles kilometre kilometres kilometer kilometers radius summer winter spring autumn cover
landscape surface ground scenery feature features object objects ones one movement growth trend history timeline
collection collections cloud-free acquisition acquisitions result results land type types kind kinds case cases
more less other others sensor sensors satellite satellites country dataset morning evening afternoon ago world
earth planet please thanks area's extent box bbox direction sort sorts detail details overview summary north
south east west half water's within km² centre center middle
"""
)
"""Words that say nothing about what to find."""


NO_NOUN = "land"
"""What a state is that of where no noun says."""


def clean_phrase(text: str) -> str:
    """Return a piece of a question as a noun phrase in lower case; empty where nothing is left."""
    phrase = " ".join(text.replace("(", " ").replace(")", " ").split()).strip(" ,;:.?!'\"-")
    phrase, asked_did = _without_lead(phrase)
    phrase = _HAVE.sub(" with ", phrase)
    phrase = _RELATIVE.sub(" ", phrase) if _RELATIVE.search(phrase) else phrase
    words = [word for word in _ARTICLES.sub("", phrase).split() if word not in _INSIDE]
    words = _copula(words)
    words = _stripped(words, asked_did=asked_did)
    return " ".join(_state_first(words)).strip(" ,;:.?!'\"-")


def is_generic(phrase: str) -> bool:
    """Return whether a phrase says nothing about what to find: "images", "the area", a lone number."""
    words = phrase.split()
    return all(word in _GENERIC or len(word) < 2 or not any(map(str.isalpha, word)) for word in words)


def _without_lead(phrase: str) -> tuple[str, bool]:
    """Strip the words of the question; say whether it was asked with "did"."""
    did = bool(re.search(r"\b(?:did|does|do)\b", phrase))
    where = _WHERE.match(phrase)
    if (
        where
        and not is_generic(_stripped_lead(phrase[where.end() :]))
        and is_generic(_stripped_lead(phrase[: where.end()]).rsplit(" ", 1)[0] or "it")
    ):
        phrase = phrase[where.end() :]
    return _stripped_lead(phrase), did


def _stripped_lead(phrase: str) -> str:
    while (rest := _LEADING.sub("", phrase, count=1).lstrip()) != phrase:
        phrase = rest
    return phrase


def _copula(words: list[str]) -> list[str]:
    """Read "harbours were flooded" as flooded harbours, "fields are next to a road" as fields next to a road."""
    at = next((place for place, word in enumerate(words) if word in _BE and place), None)
    if at is None:
        return words
    left, right = words[:at], [word for word in words[at + 1 :] if word not in _BE]
    told = [word for word in right if not _ADVERB.match(word)]
    if len(told) == 1 and (told[0] in STATES or (told[0].endswith("ed") and told[0] not in _TRAILING | CHANGE_VERBS)):
        return [told[0], *left]
    if right and is_thing(" ".join(right)) and all(word in _GENERIC for word in left):
        return right
    if right[:2] in (["under", "water"], ["covered", "by"], ["covered", "with"]) or not right:
        return [*left, *right]
    return [*left, *right]


def _stripped(words: list[str], *, asked_did: bool) -> list[str]:
    while words:
        last = words[-1]
        if asked_did and last in VERBS_AS_STATES and len(words) > 1:
            words = [VERBS_AS_STATES[last], *words[:-1]]
        elif len(words) > 1 and words[-2] in {"dry", "dried", "drying"} and last in {"up", "out"}:
            words = ["dry", *words[:-2]]
        elif last in _TRAILING or (last in CHANGE_VERBS and len(words) > 1) or _is_lost(words):
            words = words[:-1]
        elif last in CHANGE_VERBS:
            return []
        else:
            return words
    return words


_GROUND = (["area"], ["areas"], ["land"], ["ground"], ["surface"])
"""Nouns that may stay with a state: "flooded area"."""


def _is_lost(words: list[str]) -> bool:
    if words[-1] in {"area", "level", "extent", "size"}:
        return len(words) > 1 and (words[-2] in CHANGE_VERBS or (is_thing(words[-2]) and words[-2] not in STATES))
    return words[-1] in _LOST and not all(word in STATES for word in words[:-1])


def _state_first(words: list[str]) -> list[str]:
    """Move a state behind its noun before it, and give one that stands alone a noun."""
    if len(words) > 1 and words[-1] in STATES and words[-2] not in STATES | {"in", "of", "to", "and", "by", "with"}:
        words = [words[-1], *words[:-1]]
    if words and words[0] in STATES and all(word in _GENERIC for word in words[1:]) and words[1:] not in _GROUND:
        return [words[0], NO_NOUN]
    return words
