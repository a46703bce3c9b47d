"""Words for what the world holds: each setting and class in the several ways people say it."""

from __future__ import annotations

SETTINGS: dict[str, tuple[str, ...]] = {
    "farmland": ("farmland", "farmland", "agricultural fields", "cropland", "cultivated land", "a patchwork of fields"),
    "irrigated farmland in dry land": ("irrigated farmland in dry land", "irrigated fields in the desert"),
    "rice paddies": ("rice paddies", "rice fields", "paddy fields"),
    "coniferous forest": ("coniferous forest", "dense forest", "evergreen woodland", "a pine forest"),
    "broadleaf forest": ("broadleaf forest", "deciduous forest", "dense forest", "woodland"),
    "mixed forest": ("mixed forest", "forest", "woodland"),
    "tropical rainforest": ("tropical rainforest", "rainforest", "jungle"),
    "mangrove forest": ("a mangrove forest", "mangroves"),
    "grassland": ("grassland", "meadows", "pasture"),
    "tundra": ("tundra", "arctic tundra"),
    "savanna": ("a savanna", "dry savanna"),
    "dry shrubland": ("dry shrubland", "scrubland", "bushland"),
    "sandy desert with dunes": ("a sandy desert with dunes", "desert dunes", "a sandy desert"),
    "stony desert": ("a stony desert", "a rocky desert", "barren rock"),
    "salt flat": ("a salt flat", "a dry salt lake"),
    "lava field": ("a lava field", "dark volcanic rock"),
    "white sand": ("white sand", "white sand dunes"),
    "mountains": ("mountains", "mountainous terrain", "a mountain range"),
    "snow-covered mountains": ("snow-covered mountains", "snowy mountains", "mountains under snow"),
    "snowfield": ("a snowfield", "snow", "a snow-covered plain"),
    "open sea": ("open sea", "the ocean", "open water"),
    "marsh": ("a marsh", "wetland", "marshland"),
    "peat bog": ("a peat bog", "a bog"),
    "tidal mudflats": ("tidal mudflats", "mudflats"),
    "densely built town": ("a densely built town", "a dense urban area", "a city", "dense housing"),
    "residential suburb": ("a residential suburb", "a residential area", "suburban houses"),
    "industrial area": ("an industrial area", "factories and warehouses", "an industrial zone"),
}
"""Setting to phrases with their articles."""

CLASSES: dict[str, tuple[str, ...]] = {
    "water": ("water", "water", "open water"),
    "flooded area": ("flooded land", "flood water"),
    "forest": ("forest", "forest", "trees", "woodland"),
    "grassland": ("grassland", "grass and shrubs"),
    "wetland": ("wetland", "marshy ground"),
    "farmland": ("farmland", "crop fields", "agricultural land"),
    "bare ground": ("bare ground", "bare land", "barren land"),
    "snow": ("snow", "snow and ice"),
    "burnt area": ("burnt land", "burnt ground"),
    "built-up area": ("buildings", "a built-up area", "urban land"),
}
"""Class word to what sentences call it."""

GROUPS: dict[str, tuple[str, ...]] = {
    "forest": ("forest",),
    "farmland": ("farmland",),
    "paddies": ("farmland",),
    "grassland": ("grassland",),
    "tundra": ("grassland", "wetland"),
    "savanna": ("grassland",),
    "shrubland": ("grassland",),
    "desert": ("bare ground",),
    "salt flat": ("bare ground",),
    "lava": ("bare ground",),
    "sand": ("bare ground",),
    "sea": ("water", "snow"),
    "marsh": ("wetland",),
    "bog": ("wetland",),
    "mudflats": ("wetland",),
    "snow": ("snow",),
    "town": ("built-up area",),
    "suburb": ("built-up area",),
    "industrial": ("built-up area",),
}
"""Part of a setting's name to the classes of which some must be left for it to be named."""

OPENINGS = ("", "", "", "a satellite image of ", "a satellite image showing ", "an aerial view of ", "view of ")
"""Beginnings of a sentence."""

BARREN = ("hardly any vegetation", "barren ground without plants")
"""Where there are no plants."""

VIGOUR = (
    (0.68, ("lush, vigorous vegetation", "dense, healthy green plants")),
    (0.5, ("green vegetation", "healthy vegetation")),
    (0.33, ("thin or drying vegetation", "moderate vegetation cover")),
    (-1.0, ("sparse, dry vegetation", "withered, stressed vegetation")),
)
"""Mean NDVI of the plants from which the words hold."""
