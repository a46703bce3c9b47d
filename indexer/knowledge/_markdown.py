"""Markdown and plain text: an entry a heading, or a file.

Front matter between two lines ``---``, and lines ``key: value`` right below a heading, give place, date, radius and
aliases; a heading below one that has a place is part of that entry. Links and images stay the text they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core import InputError
from indexer.knowledge import _fields as fields
from indexer.knowledge._clean import one_line
from indexer.knowledge._types import MAX_TITLE, BadEntry, Entry

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t](.*)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_PAIR = re.compile(r"(\w[\w -]*):(?:\s+(.*))?")
_ITEM = re.compile(r"\s+-\s+(.*)|-\s+(.*)")
_META = frozenset(
    "lat latitude lon lng longitude wkt date datetime radius_km radius aliases alias also_known_as".split()  # noqa: SIM905
)
"""What lines below a heading may set: not ``time`` or ``x``, which begin ordinary lines."""

_FIRST_LINE = 100
"""Longest first line of a plain text that is taken for its title."""


@dataclass(kw_only=True)
class _Section:
    """A heading and what stands below it, up to the next."""

    line: int
    level: int = 0
    title: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def read_plain(text: str, path: Path) -> Iterator[Entry | BadEntry]:
    """Yield the one entry of a plain text; a short first line that stands alone is its title."""
    body = text.strip()
    first, _, rest = body.partition("\n")
    alone = rest.startswith("\n") and len(first) <= _FIRST_LINE and not first.rstrip().endswith((".", "!", "?", ","))
    title = one_line(first, MAX_TITLE) if alone else ""
    if body:
        named = (title,) if title else ()
        yield Entry(title=title or _stem(path), text=rest.strip() if alone else body, names=named)


def read_markdown(text: str, path: Path) -> Iterator[Entry | BadEntry]:
    """Yield one entry a heading, and one for what stands before the first.

    Raises:
        InputError: The front matter cannot be read; the message is the reason with its line.
    """
    lines = text.split("\n")
    meta, begin = _front_matter(lines)
    sections = list(_sections(lines, begin))
    top = _Section(line=1, title=one_line(meta.get("title") or meta.get("name") or "", MAX_TITLE), meta=meta)
    open_above: list[_Section] = [top] if top.title or _has_place(meta) else []
    for section in sections:
        if section.level == 0:
            if len(sections) > 1 and not "".join(section.lines).strip():
                continue
            section.title = top.title
        open_above = [each for each in open_above if each is top or each.level < section.level]
        if section.level and not (section.title == top.title and section.level == 1):
            yield from _entries(section, open_above, path)
            open_above.append(section)
        else:
            section.meta = {**meta, **section.meta}
            yield from _entries(section, [], path)


def _entries(section: _Section, above: list[_Section], path: Path) -> Iterator[Entry | BadEntry]:
    text = "\n".join(section.lines).strip()
    owner = section if _has_place(section.meta) else next((each for each in reversed(above) if _owns(each)), section)
    dated = next((each for each in (section, *reversed(above)) if fields.first_of(each.meta, fields.DATE)), section)
    if not text and not _has_place(section.meta):
        return
    inherits = owner is not section and owner.title != ""
    title = one_line(f"{owner.title}: {section.title}" if inherits else section.title, MAX_TITLE)
    name = owner.title or section.title
    try:
        yield Entry(
            title=title or _stem(path),
            text=text,
            names=((name,) if name else ()) + fields.aliases_of(owner.meta),
            geometry=fields.place_of(owner.meta),
            datetime=fields.date_of(dated.meta),
            radius_km=fields.radius_of(owner.meta),
        )
    except InputError as error:
        yield BadEntry(where=f"line {section.line}", reason=str(error))


def _has_place(meta: dict[str, str]) -> bool:
    return bool(fields.first_of(meta, (*fields.LAT, *fields.LON, *fields.WKT)))


def _owns(section: _Section) -> bool:
    """Whether headings below are parts of this entry: it has a place, or is the file's front matter with a title."""
    return _has_place(section.meta) or (section.level == 0 and bool(section.title))


def _front_matter(lines: list[str]) -> tuple[dict[str, str], int]:
    """The pairs between two lines ``---`` at the top, and the first line after them (0-based)."""
    if not lines or lines[0].strip() != "---":
        return {}, 0
    meta: dict[str, str] = {}
    key = ""
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() in {"---", "..."}:
            return meta, number
        key = _front_line(line, number, key, meta)
    raise InputError("line 1: front matter that never ends; close it with a line ---")


def _front_line(line: str, number: int, key: str, meta: dict[str, str]) -> str:
    """Take one line of front matter in; return the key that items below it belong to."""
    if not line.strip() or line.lstrip().startswith("#"):
        return key
    if (pair := _PAIR.fullmatch(line)) is not None:
        name = fields.plain_key(pair[1])
        meta[name] = _value(pair[2] or "")
        return name
    if key and (item := _ITEM.fullmatch(line)) is not None:
        said = _value(item[1] or item[2])
        meta[key] = f"{meta[key]}; {said}" if meta[key] else said
        return key
    if key and line[0].isspace():
        return key  # a nested value of a key that means nothing here
    raise InputError(f"line {number}: front matter {one_line(line, 40)!r} is not key: value")


def _value(text: str) -> str:
    """A scalar without its quotes, or a list ``[a, b]`` with ``;`` between; lists within lists are one list."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return "; ".join(found for part in text.split(",") if (found := _scalar(part.strip("[] \t"))))
    return _scalar(text)


def _scalar(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def _sections(lines: list[str], begin: int) -> Iterator[_Section]:
    """Cut at headings outside of code fences. A line is 1-based in ``line``."""
    section, fence = _Section(line=begin + 1), ""
    for number, line in enumerate(lines[begin:], start=begin + 1):
        if (mark := _FENCE.match(line)) is not None:
            fence = mark[1] if not fence else ("" if line.strip().startswith(fence) else fence)
        elif not fence and (heading := _HEADING.fullmatch(line)) is not None:
            yield section
            section = _Section(line=number, level=len(heading[1]), title=one_line(_unclosed(heading[2]), MAX_TITLE))
            continue
        elif not fence and (below := _UNDERLINE.fullmatch(line)) is not None and _is_title(section.lines):
            title = section.lines.pop()
            yield section
            section = _Section(line=number - 1, level=1 if below[1][0] == "=" else 2, title=one_line(title, MAX_TITLE))
            continue
        if section.level and not section.lines and not fence and _takes(section, line):
            continue
        section.lines.append(line)
    yield section


def _unclosed(heading: str) -> str:
    """A heading without the number signs that may close it."""
    text = heading.strip()
    bare = text.rstrip("#")
    return bare if not bare or bare[-1].isspace() else text


def _is_title(lines: list[str]) -> bool:
    """Whether the last line can be a heading that is underlined: one line by itself."""
    return bool(lines) and bool(lines[-1].strip()) and (len(lines) == 1 or not lines[-2].strip())


def _takes(section: _Section, line: str) -> bool:
    """Take a line ``key: value`` below a heading in; blank lines before the text are nothing."""
    pair = _PAIR.fullmatch(line)
    if pair is not None and fields.plain_key(pair[1]) in _META:
        section.meta[fields.plain_key(pair[1])] = _value(pair[2] or "")
        return True
    return not line.strip()


def _stem(path: Path) -> str:
    return one_line(re.sub(r"[_\s-]+", " ", path.stem), MAX_TITLE) or "untitled"
