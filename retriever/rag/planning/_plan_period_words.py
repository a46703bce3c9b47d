"""The words before, between and behind dates that say what is meant: since, until, between, but not."""

from __future__ import annotations

import re

EVENTS = (
    "storm|floods?|flooding|fires?|wildfires?|earthquake|quake|hurricane|typhoon|tsunami|eruption|war|drought|cyclone|landslide"
    "|spill|collapse|explosion|disaster|event|accident|tornado|heat ?wave|monsoon|conflict|blast|rains?"
)

RANGE_GLUE = re.compile(
    r" ?(?:(?:to|until|till|til|through|thru|up to|up until|and up to)(?: the| end of| about)? | ?- ?|/|\.\.)"
)

AND_GLUE = re.compile(r",? (?:and|&)(?: the)? ")

LIST_GLUE = re.compile(
    r"(?:,? ?(?:(?:and|or|&|versus|vs\.?|compared (?:to|with)|than|with|against|as well as"
    r"|to)\b)?,? ?(?:in|for|on|during|of|from|that of)?"
    r"(?: the)?(?: (?:year|month|season)s?)? ?)"
)


BETWEEN = re.compile(r"\bbetween(?: (?:the|years?|summers? of|winters? of)){0,2} $")

FROM_ONLY = re.compile(r"\bfrom(?: (?:the|years?|about)){0,2} $")

COMPARED = re.compile(r"\b(?:compar\w{0,9}|differ\w{0,7}|versus|vs)\b")

THAN = re.compile(r"\bthan\b")

SINCE = re.compile(
    r"\b(?:since|starting (?:in|from|on|with)|beginning (?:in|with)|as of|as from|not before"
    r"|no earlier than|from|ever since|onwards? from)(?: (?:the|year|about|start of"
    r"|beginning of)){0,3} $"
)

ONWARD = re.compile(
    r" ?(?:onwards?|on(?= ?(?:[,.;:?!)|]|$))|and (?:later|after|onwards?|newer)|or (?:later|newer|after)|until now"
    r"|until today|to date|to now)"
)

ON = re.compile(r" on\b")
"""Behind "from 2015"; behind "in 2015" it may begin "on the river"."""

AFTER = re.compile(
    r"\b(?:after|later than|newer than|younger than|past|following|post)(?: (?:the|year|end of)){0,3}[ -]$"
)

BEFORE = re.compile(
    r"\b(?:before|prior to|earlier than|older than|preceding|ahead of|pre)(?: (?:the|year"
    r"|start of|beginning of)){0,3}[ -]$"
)

UNTIL = re.compile(
    r"\b(?:until|till|up to|up until|through|by|to|no later than|not after"
    r"|not later than)(?: (?:the|and including|year|end of)){0,3} $"
)

EARLIER = re.compile(r" (?:and|or) (?:earlier|before|older)\b")

BOTH = re.compile(r"\b(?:before and after|after and before|before vs\.? after|before/after)(?: (?:the|year)){0,2} $")

BOTH_SIDES = re.compile(r"\bbefore(?: and |/| & | vs\.? )after\b")

NOT = re.compile(
    r"\b(?:but not|not|except|excluding|without|other than|apart from|ignoring|never)(?: (?:for"
    r"|in|from|during|the|on|year)){0,3} $"
)

EVENT_BEHIND = re.compile(rf" (?:[a-z]+ )?(?:{EVENTS})\b")

EVENT_AHEAD = re.compile(
    rf"\b(after|before|since|following)(?: the| a)?(?: [a-z]+){{0,2}} (?:{EVENTS}) (?:of|in|on|from)(?: the)? $"
)

EVENT_ALONE = re.compile(
    rf"\b(?:after|before|since|following|during)(?: the| a| this| that| last)(?: [a-z]+){{0,2}} (?:{EVENTS})\b"
)

IN = re.compile(
    r"(?:(?:^|(?<=[ |(,]))(?:in|on|at|of|for|from|during|within|over|between|since|after|before"
    r"|until|till|by|to|through|throughout|the|year|years|"
    r"month|months|every|each|any|all|around|about|summer of|only|but|not|except|back|up|as"
    r"|starting|beginning|end|start|middle|prior|earlier|later|than|no|"
    r"and|or|versus|vs|compared|with|against|period|time|dated|taken|dating|acquired|captured"
    r"|recorded|both|early|ever|pre|post|following|excluding|"
    r"season|seasons|course|previous|first|day|night|morning|date|dates)[ -]){1,8}$"
)

SEASON_OF_WEATHER = re.compile(
    r"\b(?:(?:in|from|during|of|at|the|end|start|height) ){0,4}((?:rainy|wet|dry|monsoon|growing"
    r"|fire|hurricane|harvest|snow) seasons?)\b(?: of)?"
)
TO_MONTH = re.compile(
    r" (?:of |in )?(?:19|20)[0-9]{2}\b| ?(?:-|to|until|till|through|and|or|&|/) ?(?:[a-z]{3,9}\.? )?(?:19|20)[0-9]{2}\b"
)

MONTH_TOLD = re.compile(
    r"\b(?:in|during|every|each|since|until|before|after|of|by|and|or|from|to|between|for|with|against|than|versus|vs|,"
    r"|last)(?: the)?(?: month of| months of)? $"
)

TO_NOW = re.compile(r"(?:to|until|till|and|through|-) ?(?:the )?$")

EVENT_NEXT = re.compile(rf" (?:{EVENTS})\b")

SUMMER_HOUSE = re.compile(r" (?:house|palace|resort|camp|water|line)")

HOW_MANY = re.compile(r"(?:than|least|most|about|over|exactly) $")

THINGS = re.compile(r" [a-z]{3,20}s\b")
