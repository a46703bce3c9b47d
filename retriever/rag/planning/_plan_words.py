"""Words the rules know: things of the land-cover vocabulary, states that things are in, and how change is told."""

from __future__ import annotations

import re
from functools import cache

from retriever._expansion import expand, land_classes, plain_words


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_MORE_THINGS = word_set(
    """
airport airports anchorage aquaculture bank banks barge barges bay beach beaches bridge bridges building buildings
bush canal canals car cars cargo cemetery church city cities cliff cliffs cloud clouds coast coastline container
containers cover crane cranes crop crops dam dams delta desert dock docks dune dunes embankment estuary factory
factories farm farms farmland field fields fire fires flood flooding floods floodplain forest forests glacier
glaciers golf grass grassland greenhouse greenhouses ground gully harbor harbors harbour harbours highway highways
hill hills house houses ice iceberg icebergs industry island islands jetty junction lagoon lagoons lake lakes land
landfill landslide landslides lava mangrove mangroves marina marsh marshes meadow meadows meander meanders mine
mines motorway mountain mountains mud oasis ocean oil orchard orchards oxbow park parks parking pasture pastures
pier piers pipeline plant plantation plantations plants plume pond ponds pool pools port ports power quarry quarries
railway railways rapids reef reefs reservoir reservoirs rice ridge river riverbank rivers road roads roof roofs
ruins runway runways salt sand sandbank sandbanks sandbar sandbars scar scars school sea sediment settlement
settlements ship ships shore shoreline slope slopes slum slums smoke snow soil solar stadium stadiums storage stream
suburb suburbs surface swamp swamps tank tanks tent tents terrain tide town towns track tracks train trains tree
trees tundra turbine turbines valley valleys vegetation vehicle vehicles vessel vessels village villages vineyard
vineyards volcano volcanoes warehouse warehouses water waterfall wetland wetlands wheat wildfire wildfires wind
woodland woods
"""
)
"""Common nouns of the ground that the vocabulary holds only inside longer phrases, or not at all."""

STATES = word_set(
    """
abandoned arid bare barren black blue bright brown built-up burned burning burnt clean cleared covered cracked
cultivated cut damaged dark dead deforested destroyed dried dry empty eroded exposed fallow flooded frozen full
green grey gray harvested icy inundated irrigated lush muddy overgrown paved ploughed plowed polluted red ruined
saline sandy silted smoky snow-covered snowy submerged swollen tilled turbid underwater unpaved urbanised urbanized
waterlogged wet white withered yellow healthy bleached
"""
)
"""What things are: moved before their noun ("harbours were flooded": flooded harbours)."""

VERBS_AS_STATES = {
    "burn": "burnt", "flood": "flooded", "freeze": "frozen", "froze": "frozen", "dry": "dry", "burns": "burnt",
    "floods": "flooded", "freezes": "frozen", "dries": "dry", "inundate": "inundated",
}  # fmt: skip
"""Verbs of a question with "did", as states."""

CHANGE_VERBS = word_set(
    """
advance advanced advances appear appeared appears change changed changes changing collapse collapsed contract
contracted decline declined decrease decreased develop developed develops diminish diminished disappear disappeared
disappears drain drained erode evolve evolved evolves expand expanded expands expanding fluctuate fluctuated gain
gained gone grew grow growing grown grows increase increased increases lose losing lost melt melted melting migrate
migrated move moved moves moving narrow narrowed recede receded recover recovered reduced regrow regrown retreat
retreated retreating rise rose risen shift shifted shifts shrank shrink shrinking shrinks shrunk spread spreads
transform transformed vanish vanished vary varied wander wandered widen widened dropped fill
filled refill refilled fallen fell drop
"""
)
"""Verbs that tell of change; a phrase does not end with them."""


@cache
def _things() -> frozenset[str]:
    """Every word by which the vocabulary calls something, in the plain form."""
    rows = land_classes()
    names = [name for row in rows for name in (row.name, *row.aliases, *row.words, *row.labels)]
    return frozenset(map(plain_words, [*names, *_MORE_THINGS]))


def is_thing(name: str) -> bool:
    """Return whether a name is that of something on the ground, no matter where: "water", "Broad-leaved forest"."""
    plain = plain_words(name)
    return plain in _things() or plain in STATES or all(word in _things() for word in plain.split())


def is_class(name: str) -> bool:
    """Return whether the vocabulary has a class of that name, which then stays one phrase."""
    return " and " in name and bool(expand(re.sub(r"^(?:the|any|some|all) ", "", name)).classes)


_COMPARED_BY = {
    "greener": "green vegetation",
    "drier": "dry land",
    "wetter": "water",
    "snowier": "snow",
    "icier": "ice",
}
"""What is looked for where a question only says how two things differ."""


def compared_by(text: str) -> tuple[str, ...]:
    """Return what a comparative is about: of "which is greener" the vegetation."""
    return tuple(thing for word, thing in _COMPARED_BY.items() if re.search(rf"\b{word}\b", text))
