"""Names and codes of land-cover classes and crises lead to words an encoder knows; everything else stays as typed."""

import tomllib

import pytest

from core import QueryError
from retriever._expansion import MAX_TERMS, TABLE, expand, land_classes, plain_words


def test_a_corine_code_stands_for_its_class_and_everyday_words() -> None:
    found = expand("CLC 311")
    assert found.terms == ("Broad-leaved forest", "forest", "dense forest", "green trees")
    assert found.classes == ("CORINE 311 Broad-leaved forest",)


@pytest.mark.parametrize("text", ["clc311", "CORINE 311", "Corine Land Cover: 311", "CLC-311", " clc  311 "])
def test_codes_are_read_however_they_are_written(text: str) -> None:
    assert expand(text).classes == ("CORINE 311 Broad-leaved forest",)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("WorldCover 95", "ESA WorldCover 95 Mangroves"),
        ("Dynamic World 3", "Dynamic World 3 Flooded vegetation"),
        ("dw 8", "Dynamic World 8 Snow and ice"),
    ],
)
def test_codes_of_other_schemes(text: str, title: str) -> None:
    assert expand(text).classes == (title,)


def test_a_code_that_no_scheme_has_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(QueryError, match=r"CORINE has no class 999; it has 44: 111, 112.*523"):
        expand("CLC 999")


def test_a_name_keeps_its_own_words_first() -> None:
    assert expand("flooded road").terms == ("flooded road", "road under water", "flood", "road beside water")
    assert expand("A clear-cut").terms[0] == "A clear-cut"
    assert expand("clearcut").classes == expand("clear cut").classes == ("everyday Clear cut",)


@pytest.mark.parametrize(
    "text", ["broad-leaved forest", "Broad leaved forests", "the broadleaf forest", "BROADLEAVED FOREST."]
)
def test_case_hyphen_article_and_plural_make_no_difference(text: str) -> None:
    assert "CORINE 311 Broad-leaved forest" in expand(text).classes


def test_a_bigearthnet_class_means_all_its_corine_classes() -> None:
    assert expand("Inland waters").classes == ("CORINE 511 Water courses", "CORINE 512 Water bodies")
    assert expand("inland waters").terms == ("inland waters", "river", "canal", "pond", "lake", "reservoir")


def test_encoders_trained_on_labels_get_labels() -> None:
    assert expand("CLC 311", vocabulary="labels").terms == ("Broad-leaved forest", "trees")
    assert expand("wildfire", vocabulary="labels").terms == ("wildfire", "burned area")


@pytest.mark.parametrize("text", ["a blue house", "flooded road near the church", "311", "clc", "my CLC 311 map"])
def test_what_names_no_class_stays_as_typed(text: str) -> None:
    assert expand(text).terms == (text,)
    assert expand(text).remark is None


def test_when_asked_for_synonyms_an_unknown_word_is_said_with_what_comes_near() -> None:
    found = expand("vinyard", "on")
    assert found.terms == ("vinyard",)
    assert found.remark == "no synonyms are known for 'vinyard': it was searched as typed; the nearest are Vineyards"
    assert expand("zzzz", "on").remark == "no synonyms are known for 'zzzz': it was searched as typed"


def test_switched_off_even_a_code_stays_as_typed() -> None:
    assert expand("CLC 311", "off").terms == ("CLC 311",)


def test_the_table_holds_the_schemes_whole() -> None:
    rows = land_classes()
    codes = {scheme: [row.code for row in rows if row.scheme == scheme] for scheme in {row.scheme for row in rows}}
    assert len(codes["corine"]) == len(set(codes["corine"])) == 44
    assert codes["dynamic-world"] == [str(code) for code in range(9)]
    assert codes["worldcover"] == ["10", "20", "30", "40", "50", "60", "70", "80", "90", "95", "100"]
    assert len({row.bigearthnet for row in rows} - {None}) == 19
    assert {row.name for row in rows if row.scheme == "crisislandmark"} == {
        "Flooded area",
        "Earthquake damage",
        "Burned area",
    }


def test_labels_are_classes_of_crisislandmark() -> None:
    crisis = {row.name.lower() for row in land_classes() if row.scheme in ("corine", "dynamic-world", "crisislandmark")}
    assert not {label for row in land_classes() for label in row.labels} - crisis


def test_every_scheme_names_its_source() -> None:
    assert {row.scheme for row in land_classes()} <= tomllib.loads(TABLE.read_text())["sources"].keys()


def test_no_expansion_is_longer_than_the_limit() -> None:
    assert max(len(expand(row.name).terms) for row in land_classes()) <= MAX_TERMS
    assert plain_words("Salt marshes") == "salt marsh"
