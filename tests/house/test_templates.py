"""Every template is read: it parses, a page has its title, nothing stands inline, a letter has three files."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from tests.house.sources import ROOT, sources

TEMPLATES = ROOT / "templates"
FILES = sorted(p for p in TEMPLATES.rglob("*") if p.suffix in (".html", ".txt", ".xml"))
LETTERS = TEMPLATES / "email"
# Parts of pages; everything else that a guest sees extends base.html.
PARTS = ("ui/", "email/", "public/texts/")
LETTER_FILES = {"subject.txt", "body.txt", "body.html"}

ENVIRONMENT = jinja2.Environment(  # Parsed here, never rendered.
    loader=jinja2.FileSystemLoader(TEMPLATES),
    extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    autoescape=True,
)
# The page's own policy forbids them (web/security.py); here is said where.
INLINE = {
    "style attribute": re.compile(r"<[a-z][^>]*\sstyle\s*=", re.I),
    "style element": re.compile(r"<style\b", re.I),
    "script without src": re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/)", re.I),
    "handler attribute": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.I),
    "javascript address": re.compile(r"javascript:", re.I),
    "foreign file": re.compile(
        r"<(?:script|img|link|iframe|source)\b[^>]*(?:src|href)=\"(?:https?:)?//", re.I
    ),
}


def name_of(file: Path) -> str:
    return file.relative_to(TEMPLATES).as_posix()


def parsed(file: Path) -> nodes.Template:
    return ENVIRONMENT.parse(file.read_text(), name_of(file), str(file))


PAGES = [
    f
    for f in FILES
    if f.suffix == ".html" and not name_of(f).startswith(PARTS) and f.name != "base.html" and f.name[0] != "_"
]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_it_parses_and_what_it_includes_is_there(file: Path) -> None:
    tree = parsed(file)
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        if isinstance(node.template, nodes.Const) and isinstance(node.template.value, str):
            assert (TEMPLATES / node.template.value).exists(), f"{name_of(file)}: no {node.template.value}"


@pytest.mark.parametrize("file", PAGES, ids=name_of)
def test_a_page_extends_the_frame_and_has_a_title(file: Path) -> None:
    tree = parsed(file)
    frames = [n.template.value for n in tree.find_all(nodes.Extends) if isinstance(n.template, nodes.Const)]
    assert frames, f"{name_of(file)} stands outside the frame"
    if frames == ["base.html"]:
        titles = [block for block in tree.find_all(nodes.Block) if block.name == "title"]
        assert [block for block in titles if block.body], f"{name_of(file)} has no title"


@pytest.mark.parametrize("file", [f for f in FILES if not name_of(f).startswith("email/")], ids=name_of)
def test_nothing_stands_inline(file: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", file.read_text(), flags=re.S)
    found = [what for what, pattern in INLINE.items() if pattern.search(text)]
    assert not found, f"{name_of(file)}: {found}"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_nothing_a_person_wrote_is_marked_safe(file: Path) -> None:
    """`|safe` switches escaping off; no template needs it."""
    assert not [f.lineno for f in parsed(file).find_all(nodes.Filter) if f.name == "safe"], name_of(file)


def letter_folders() -> list[Path]:
    return sorted(p for p in LETTERS.iterdir() if p.is_dir() and p.name[0] != "_")


@pytest.mark.parametrize("folder", letter_folders(), ids=lambda p: p.name)
def test_a_letter_has_its_three_files(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == LETTER_FILES
    assert all(file.read_text().strip() for file in folder.iterdir())


def test_there_are_letters_and_pages() -> None:
    assert letter_folders()
    assert PAGES


def test_every_page_named_in_the_code_exists() -> None:
    missing = []
    for source in sources():
        if source.path.startswith("marketplace/web/"):
            named = re.findall(r"render_template\(\s*[\"']([^\"'{]+)[\"']", source.text)
            missing += [f"{source.path}: {name}" for name in named if not (TEMPLATES / name).exists()]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ('<p style="color:red">', "style attribute"),
        ("<script>1</script>", "script without src"),
        ('<a onclick="x()">', "handler attribute"),
        ('<img src="//elsewhere.example/x.png">', "foreign file"),
    ],
)
def test_the_search_finds_what_is_inline(html: str, what: str) -> None:
    assert INLINE[what].search(html)
