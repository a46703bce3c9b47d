"""How a question wants tiles drawn: as it says, and as what it seeks shows best."""

from __future__ import annotations

import re
from collections.abc import Sequence

from indexer import renderings_of
from retriever.rag.planning._plan_sensors import known_sensor, strike_sensor
from retriever.rag.planning._plan_text import Canvas
from retriever.rag.planning._plan_world import World

_DRAWN = (
    ("false-color", r"false[- ]?colou?rs?|colou?r[- ]infra-?red|near[- ]infra-?red|infra-?red|cir|nir"),
    ("true-color", r"(?:true|natural|real)[- ]?colou?rs?|rgb"),
    ("swir", r"swir|short-?[ -]?wave[- ]infra-?red"),
    ("index:ndvi", r"ndvi|vegetation index"),
    ("index:ndwi", r"m?ndwi|water index"),
    ("index:nbr", r"d?nbr|burn(?:ed area)? (?:ratio|index)|normali[sz]ed burn ratio"),
    ("index:ndsi", r"ndsi|snow index"),
)
_DRAWING = re.compile("|".join(rf"(?P<d{at}>(?<![\w-])(?:{words})(?![\w]))" for at, (_, words) in enumerate(_DRAWN)))

_CONTENT = (
    ("index:nbr",
        r"burn(?:t|ed|ing|s)?\b|(?:wild|forest|bush|grass)[ -]?fires?|fires?(?! (?:station|truck|brigade|break))"
        r"|charred|scorched|ash\b|blaze"),
    ("index:ndsi", r"snow|ice(?!land)\b|icy|glacier|iceberg|ice ?cap|frozen|freez|froze"),
    ("index:ndwi",
        r"flood|inundat|submerg|under ?water|water|wet(?:land|ter|ness)?\b|wetlands|dry\b|dried"
        r"|drier|drought|river|lakes?\b|reservoir|lagoon|pond"

     r"|estuar|delta|coast|shore|sea\b|ocean|marsh|swamp|tid(?:e|al)|meander|oxbow|sandbank|stream|canal"),
    ("index:ndvi",
        r"vegetat|crop|green(?!house|land)|forest|wood(?:s|land)|tree|canopy"
        r"|(?<!solar )(?<!wind )(?<!fish )farm|field|harvest"
        r"|pasture|meadow|grass|deforest|plantation|vineyard|orchard"

     r"|agricultur|mangrove|irrigat|cultivat|arable|paddy|rice|wheat|maize|logging|clear[- ]?cut|plant(?:s|ed|ing)\b"),
)  # fmt: skip
_CONTENTS = tuple((name, re.compile(rf"\b(?:{words})")) for name, words in _CONTENT)


def read_drawings(canvas: Canvas) -> tuple[str, ...]:
    """Read and strike out renderings that a question names."""
    names = []
    for match in list(_DRAWING.finditer(canvas.free)):
        names.append(_DRAWN[int((match.lastgroup or "d0")[1:])][0])
        strike_sensor(canvas, match.start(), match.end())
    return tuple(dict.fromkeys(names))


def choose_renderings(
    named: Sequence[str], phrases: Sequence[str], sensors: Sequence[str], world: World
) -> tuple[str, ...]:
    """Return how tiles are drawn: as the question says, then as what it seeks shows best, where a sensor can.

    Args:
        named: Renderings that the question names.
        phrases: What is sought and what must not show.
        sensors: Sensors of the plan; empty for all.
        world: The sensors of the index.
    """
    # Phrase by phrase: what is sought comes before what must not show.
    chosen = [*named, *(name for phrase in phrases for name, words in _CONTENTS if words.search(phrase))]
    used = tuple(sensors) or world.sensors
    offered = [renderings_of(name) for name in used]
    if any(known_sensor(name) is None for name in used) or not used:
        return tuple(dict.fromkeys(chosen))
    if sensors and all("sar" in each for each in offered):
        return ("sar",)
    return tuple(dict.fromkeys(name for name in chosen if any(name in each for each in offered)))
