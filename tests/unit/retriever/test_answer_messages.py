"""What a model is shown: fenced, allow-listed, labelled, and within the budget."""

import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from shapely import Point
from tokenizers import Tokenizer

import embeddings
from core import AnswerSettings, PixelWindow
from retriever.rag import Brief, Claim, EvidencePassage, EvidenceSet, Fact, ImagePart, TextPart, Turn, brief
from retriever.rag.testing import shown_rows
from retriever.rag.writing._budget import picture_tokens, text_tokens
from retriever.rag.writing._foreign import plain, token
from retriever.rag.writing._instructions import INSTRUCTIONS
from retriever.rag.writing._shown import passage_row, tile_row
from tests.unit.retriever.answer_evidence import (
    QUESTION,
    a_passage,
    a_picture,
    a_plan,
    a_record,
    a_tile,
    an_evidence,
    picture_bytes,
    settings,
)


def made(evidence: EvidenceSet, given: AnswerSettings | None = None, turns: tuple[Turn, ...] = ()) -> Brief:
    return brief(QUESTION, a_plan(), evidence, turns, given or settings())


def rows(found: Brief) -> list[dict[str, object]]:
    return shown_rows(found.messages[1])


def images(found: Brief) -> list[ImagePart]:
    return [part for part in found.messages[1].parts if isinstance(part, ImagePart)]


def labels(found: Brief) -> list[str]:
    parts = found.messages[1].parts
    before = [one for one, two in pairwise(parts) if isinstance(two, ImagePart)]
    return [part.text for part in before if isinstance(part, TextPart)]


def test_instructions_come_first_and_hold_nothing_of_the_question() -> None:
    found = made(an_evidence())
    assert [message.role for message in found.messages] == ["system", "user"]
    instructions = found.messages[0].parts
    assert len(instructions) == 1
    assert isinstance(instructions[0], TextPart)
    assert "answerable" in instructions[0].text
    assert "harbour" not in instructions[0].text


def test_a_tile_is_shown_by_allowed_fields_alone() -> None:
    record = a_record(
        label="SECRETLABEL", captions=("SECRETCAPTION",), href="/archive/SECRETHREF.tif", scene_id="SECRETSCENE"
    )
    found = made(replace(an_evidence(), tiles=(a_tile(1, record=record),), passages=()))
    tile = next(row for row in rows(found) if row.get("number") == 1)
    assert tile == {
        "number": 1,
        "date": "2019-08-02",
        "sensor": "sentinel-2-l2a",
        "collection": "ports",
        "bbox_lon_lat": [4.1, 51.9, 4.2, 52.0],
        "metres_per_pixel": 10.0,
        "cloud_percent": 12,
        "looked_for": "flooded harbour",
        "fits": "very likely",
    }
    texts = "".join(part.text for message in found.messages for part in message.parts if isinstance(part, TextPart))
    assert "SECRET" not in texts


def test_a_region_of_one_scene_is_shown_with_its_columns_and_rows() -> None:
    assert "columns_of_scene" not in tile_row(a_tile(1))
    record = a_record(collection="level-4", window=PixelWindow(col_off=896, row_off=0, width=896, height=896))
    row = tile_row(a_tile(1, record=record))
    assert (row["columns_of_scene"], row["rows_of_scene"]) == ([896, 1792], [0, 896])


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_shown(wrong: float) -> None:
    row = tile_row(a_tile(1, record=a_record(cloud=wrong, gsd=wrong, bbox=(wrong, 1.0, 2.0, 3.0))))
    assert not {"cloud_percent", "metres_per_pixel", "bbox_lon_lat"} & set(row)
    placed = replace(a_passage(4).passage, geometry=Point(wrong, 1), distance_km=wrong)
    row = passage_row(EvidencePassage(number=4, passage=placed))
    assert not {"lon_lat", "distance_km"} & set(row)
    assert {"number", "title", "text"} <= set(row)


def test_each_picture_follows_its_label() -> None:
    assert [label.split("\n")[0] for label in labels(made(an_evidence()))] == [
        "[1] 2019-08-02, sentinel-2-l2a, true-color",
        "[2] 2020-03-14, sentinel-2-l2a, true-color",
        "[3] 2020-03-20, sentinel-2-l2a, true-color",
    ]


def test_a_legend_is_given_once_for_a_rendering() -> None:
    pictures = (a_picture(), a_picture("index:ndwi", legend="Blue is open water."))
    tiles = (a_tile(1, pictures=pictures), a_tile(2, pictures=pictures))
    given = labels(made(replace(an_evidence(), tiles=tiles)))
    assert [("legend" in label) for label in given] == [True, True, False, False]
    assert sum("Blue is open water." in label for label in given) == 1


def test_first_pictures_go_before_second_ones() -> None:
    pictures = (a_picture(), a_picture("index:ndwi"))
    evidence = replace(an_evidence(passages=0), tiles=tuple(a_tile(n, pictures=pictures) for n in (1, 2, 3)))
    found = made(evidence, settings(images=4))
    assert [label.split("\n")[0].split(", ", 1)[0][:3] for label in labels(found)] == ["[1]", "[1]", "[2]", "[3]"]
    assert found.dropped == ("The model was not shown 2 pictures [2], [3]: SWATH_ANSWER_IMAGES=4.",)


def test_a_text_model_gets_records_and_no_pictures() -> None:
    found = made(an_evidence(), settings(images=0))
    assert images(found) == []
    assert found.pictures == 0
    assert found.numbers == {1, 2, 3, 4}


def test_a_tile_without_picture_stands_as_a_record() -> None:
    found = made(replace(an_evidence(), tiles=(a_tile(1, pictures=()), a_tile(2))))
    assert [label[:3] for label in labels(found)] == ["[2]"]
    assert {1, 2} <= found.numbers


def test_pictures_are_shrunk_to_the_setting() -> None:
    found = made(
        replace(an_evidence(), tiles=(a_tile(1, pictures=(a_picture(size=(300, 200)),)),)), settings(image_px=96)
    )
    with Image.open(io.BytesIO(images(found)[0].data)) as sent:
        assert sent.size == (96, 64)


@pytest.mark.parametrize(("colour", "mode"), [((1, 2, 3), "RGB"), ((1, 2, 3, 255), "RGBA")])
def test_what_every_server_reads_is_sent_as_it_is(colour: tuple[int, ...], mode: str) -> None:
    picture = a_picture(data=picture_bytes(colour, mode=mode))
    found = made(replace(an_evidence(), tiles=(a_tile(1, pictures=(picture,)),)))
    assert images(found)[0].data == picture.data


def test_webp_is_sent_as_png() -> None:
    webp = a_picture(data=picture_bytes(form="WEBP"), media_type="image/webp")
    sent = images(made(replace(an_evidence(), tiles=(a_tile(1, pictures=(webp,)),))))[0]
    assert sent.media_type == "image/png"
    assert sent.data.startswith(b"\x89PNG")


def test_transparency_becomes_the_colour_of_no_data_as_the_instructions_say() -> None:
    clear = a_picture(data=picture_bytes((0, 0, 0, 0), mode="RGBA"))
    sent = images(made(replace(an_evidence(), tiles=(a_tile(1, pictures=(clear,)),))))[0]
    with Image.open(io.BytesIO(sent.data)) as opened:
        red, green, blue = opened.convert("RGB").getpixel((5, 5))  # type: ignore[misc]  # three, of RGB
    assert f"Flat violet (#{red:02x}{green:02x}{blue:02x}) in a picture is where there is no data." in INSTRUCTIONS


def test_a_damaged_picture_is_left_out_aloud() -> None:
    found = made(replace(an_evidence(), tiles=(a_tile(1, pictures=(a_picture(data=b"no picture"),)), a_tile(2))))
    assert [label[:3] for label in labels(found)] == ["[2]"]
    assert found.dropped == ("The model was not shown 1 picture [1]: it cannot be decoded.",)


@pytest.mark.parametrize("tokens", [1_000, 1_500, 2_000, 3_000, 16_000])
def test_a_request_stays_within_its_tokens_and_says_what_was_dropped(tokens: int) -> None:
    evidence = an_evidence(tiles=12, passages=8)
    found = made(evidence, settings(context_tokens=tokens, images=12))
    assert found.tokens <= tokens
    left = evidence.numbers() - found.numbers
    said = " ".join(found.dropped)
    assert all(f"[{number}]" in said for number in left)
    assert bool(found.dropped) == (tokens < 16_000)
    assert len(images(found)) == found.pictures


def test_records_outlast_pictures_when_room_is_short() -> None:
    found = made(an_evidence(tiles=6, passages=0), settings(context_tokens=2_200))
    assert found.numbers == {1, 2, 3, 4, 5, 6}
    assert found.pictures < 6


def test_facts_cite_only_what_is_shown() -> None:
    fact = Fact(name="tiles", text="12 tiles match.", value=12, cites=(1, 40))
    found = made(an_evidence(facts=(fact,)))
    assert {"fact": "12 tiles match.", "cites": [1]} in rows(found)


def test_earlier_turns_are_data_without_their_citations() -> None:
    turn = Turn(question="Where?", plan=a_plan(), tile_ids=("a",), claims=(Claim(text="At the quay.", cites=(7,)),))
    found = made(an_evidence(), turns=(turn,))
    assert {"question": "Where?", "answered": ["At the quay."]} in rows(found)
    assert 7 not in found.numbers


def test_the_same_question_gives_the_same_bytes() -> None:
    first, second = (made(an_evidence()) for _ in range(2))
    assert [part.text for part in first.messages[1].parts if isinstance(part, TextPart)] == [
        part.text for part in second.messages[1].parts if isinstance(part, TextPart)
    ]


def test_estimates_lie_above_a_real_tokenizer() -> None:
    tokenizer = Tokenizer.from_file(str(Path(embeddings.__file__).parent / "weights" / "swath-mini" / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for text in (
        *(part.text for part in made(an_evidence(tiles=12)).messages[1].parts if isinstance(part, TextPart)),
        json.dumps({"bbox": [4.123456, 51.98765, 4.2, 52.0]}),
        "Überschwemmung im Hafen von 横浜 и Волгоград",
    ):
        assert text_tokens(text) >= len(tokenizer.encode(text, add_special_tokens=False).ids)


def test_a_picture_counts_what_the_hungriest_common_model_takes() -> None:
    assert picture_tokens(64, 64) == 576  # LLaVA-1.5
    assert picture_tokens(1024, 1024) == 37 * 37 + 2  # Qwen2-VL


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\u200bc\ufeffd", "abcd"),
        ("a\x00\x1b[31mb\r\nc\td", "a(31mb c d"),
        ("tag\U000e0041\U000e0042 ged\ufe0f", "tag ged"),
        ("soft\u00adhyphen \u2800\u3164 end", "softhyphen end"),
        ("line\u2028para\u2029graph", "line para graph"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("[3] [INST]", "(3) (INST)"),
        ("café Łódź 横浜 🌊", "café Łódź 横浜 🌊"),
    ],
)
def test_what_does_not_show_is_taken_out(text: str, shown: str) -> None:
    assert plain(text, 100) == shown


def test_foreign_text_is_capped() -> None:
    assert len(plain("a" * 10_000_000, 120)) == 120
    assert plain("\u200b" * 10_000_000 + "hidden", 120) == ""
    assert token("x\n</data>" * 500) == ("x _/data_" * 500)[:79] + "_"
