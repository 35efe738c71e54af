"""What the browser gets: one stylesheet, two faces, a folder of modules; and the compiled translations.

    python tools/assets.py            build what has changed (a second run takes milliseconds)
    python tools/assets.py --force    build all of it again

Written by hand and committed: `static/css`, `static/js`, `translations/*/LC_MESSAGES/*.po`. Written
here and ignored by git: `static/build`, where every name carries a hash of its content so that a
browser may keep it for ever, and `manifest.json` says what is called what; and the `.mo` files.
Faces are cut from the font wheels; where a wheel is missing the page falls back to the system's own.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import importlib.util
import json
import shutil
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HERE = Path(__file__).resolve().parent.parent
STATIC = HERE / "static"
BUILD = STATIC / "build"
LAYERS = ("reset", "tokens", "base", "layout", "components", "utilities", "print")
KEPT_FEATURES = [
    "kern",
    "liga",
    "tnum",
    "lnum",
    "pnum",
    "case",
    "ccmp",
    "locl",
    "ordn",
    "sups",
    "rvrn",
    "mark",
]


class Face(NamedTuple):
    family: str
    module: str
    axes: dict[str, tuple[float, float]]
    weights: str


# Stand-ins keep the page still while the face loads: a system face scaled to the same average width.
FACES = (
    Face("Chivo", "fontpkg_chivo", {"wght": (400, 800)}, "400 800"),
    Face("Newsreader", "fontpkg_newsreader", {"wght": (400, 600), "opsz": (18, 40)}, "400 600"),
)
# For papers (gateways/statements_fpdf.py): two weights as plain files, since a PDF takes no variable face, and
# cutting one for each paper would take seconds.
PRINT_WEIGHTS = (400, 720)
STAND_INS = """\
@font-face{font-family:"Chivo stand-in";src:local("Arial"),local("Liberation Sans"),local("Helvetica");size-adjust:107%;ascent-override:88%;descent-override:23%;line-gap-override:0%}
@font-face{font-family:"Newsreader stand-in";src:local("Georgia"),local("Liberation Serif"),local("Times New Roman");size-adjust:96%;ascent-override:76%;descent-override:28%;line-gap-override:0%}
"""


def alphabet() -> set[int]:
    """Latin-1, Latin Extended-A, and the marks French and English typography needs."""
    signs = {0x2010, 0x2011, 0x2013, 0x2014, 0x2018, 0x2019, 0x201A, 0x201C, 0x201D, 0x201E}
    signs |= {0x2022, 0x2026, 0x2030, 0x2039, 0x203A, 0x20AC, 0x2122, 0x2212, 0x02C6, 0x02DC}
    return set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) | signs


def cut(face: Face, source: Path) -> bytes:
    """The face as woff2: only our letters, only our weights, and a narrow no-break space."""
    font = _cut(source, face.axes)
    font.flavor = "woff2"
    out = BytesIO()
    font.save(out)
    return out.getvalue()


def cut_for_print(source: Path, weight: int) -> bytes:
    """One weight of a face as a plain TrueType file, with the same letters."""
    out = BytesIO()
    _cut(source, {"wght": weight}).save(out)
    return out.getvalue()


def _cut(source: Path, axes: Mapping[str, Any]) -> Any:
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    font = TTFont(source, recalcTimestamp=False)
    instancer.instantiateVariableFont(font, axes, inplace=True)
    font = _read_again(font)  # the cut leaves out glyphs without variations, the subsetter counts on all
    options = subset.Options(
        layout_features=KEPT_FEATURES, name_IDs=[1, 2, 4, 6], notdef_outline=True, hinting=False
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=alphabet())
    subsetter.subset(font)
    _add_narrow_space(font)
    return font


def _read_again(font: Any) -> Any:
    from fontTools.ttLib import TTFont

    between = BytesIO()
    font.save(between)
    between.seek(0)
    return TTFont(between, recalcTimestamp=False)


def _add_narrow_space(font: Any) -> None:
    """U+202F and U+2009, three quarters of the space: neither face has one, and French needs it everywhere."""
    from fontTools.ttLib.tables._g_l_y_f import Glyph

    name, space = "narrowspace", font.getBestCmap()[0x20]
    width, bearing = font["hmtx"][space]
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"].glyphs[name] = Glyph()
    font["glyf"].glyphOrder = font.getGlyphOrder()
    font["hmtx"][name] = (round(width * 0.75), bearing)
    if "gvar" in font:
        variations = copy.deepcopy(font["gvar"].variations.get(space, []))
        for variation in variations:
            variation.coordinates = [
                c and (round(c[0] * 0.75), round(c[1] * 0.75)) for c in variation.coordinates
            ]
        font["gvar"].variations[name] = variations
    # HVAR is addressed by glyph number and knows no new one; without it widths come from gvar.
    for table in ("HVAR", "VVAR"):
        if table in font:
            del font[table]
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap |= {0x202F: name, 0x2009: name}


def short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:10]


def source_of(face: Face) -> Path | None:
    found = importlib.util.find_spec(face.module)
    if found is None or found.origin is None:
        return None
    return next(iter(sorted((Path(found.origin).parent / "files").glob(f"{face.family}[[]*].ttf"))), None)


def build_faces() -> dict[str, str]:
    """Family -> file name under `fonts/`. A face already cut from the same wheel is left as it is."""
    made = {}
    (BUILD / "fonts").mkdir(parents=True, exist_ok=True)
    recipe = short(repr((FACES, KEPT_FEATURES, sorted(alphabet()))).encode() + Path(__file__).read_bytes())
    for face in FACES:
        source = source_of(face)
        if source is None:
            print(f"  {face.family}: no wheel, the system's own face is used")
            continue
        origin = short(source.read_bytes()) + recipe
        remembered = BUILD / "fonts" / f"{face.family.lower()}.from"
        known = remembered.read_text().split() if remembered.exists() else []
        if len(known) == 2 and known[0] == origin and (BUILD / "fonts" / known[1]).exists():
            made[face.family] = known[1]
            continue
        content = cut(face, source)
        name = f"{face.family.lower()}.{short(content)}.woff2"
        (BUILD / "fonts" / name).write_bytes(content)
        remembered.write_text(f"{origin} {name}")
        made[face.family] = name
        print(f"  {name} {len(content) // 1024} kB")
    return made


def build_print_faces() -> None:
    """`fonts/print-400.ttf` and the like; the browser is never sent there."""
    source = source_of(FACES[0])
    if source is None:
        print("  no wheel of fonts: papers as PDF cannot be made")
        return
    recipe = short(source.read_bytes() + Path(__file__).read_bytes())
    for weight in PRINT_WEIGHTS:
        target, remembered = (BUILD / "fonts" / f"print-{weight}.{ending}" for ending in ("ttf", "from"))
        if target.exists() and remembered.exists() and remembered.read_text() == recipe:
            continue
        target.write_bytes(cut_for_print(source, weight))
        remembered.write_text(recipe)
        print(f"  {target.name} {target.stat().st_size // 1024} kB")


def build_css(faces: dict[str, str]) -> str:
    rules = [f"@layer {', '.join(LAYERS)};", STAND_INS.strip()]
    for face in FACES:
        if face.family in faces:
            rules.append(
                f'@font-face{{font-family:"{face.family}";src:url("fonts/{faces[face.family]}") format("woff2");'
                f"font-weight:{face.weights};font-style:normal;font-display:swap}}"
            )
    for layer in LAYERS:
        text = (STATIC / "css" / f"{layer}.css").read_text("utf-8")
        rules.append(f"@layer {layer} {{\n{text}}}")
    content = "\n".join(rules).encode()
    name = f"app.{short(content)}.css"
    (BUILD / name).write_bytes(content)
    return name


def build_js() -> str:
    """The modules import one another by plain relative names, so the folder carries the hash, not the file."""
    files = sorted((STATIC / "js").glob("*.js"))
    folder = short(b"".join(f.name.encode() + f.read_bytes() for f in files))
    target = BUILD / folder / "js"
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, target / file.name)
    return f"{folder}/js/app.js"


def compress(said: dict[str, Any]) -> None:
    """Brotli and gzip beside every text, made once: the faces are compressed already (WOFF2)."""
    import brotli

    for file in (BUILD / said["css"], *sorted((BUILD / said["js"]).parent.glob("*.js"))):
        content = file.read_bytes()
        for ending, packed in (
            (".br", brotli.compress(content, quality=11)), (".gz", gzip.compress(content, 9, mtime=0))
        ):  # fmt: skip
            target = file.with_name(file.name + ending)
            if len(packed) < len(content):
                target.write_bytes(packed)
            else:
                target.unlink(missing_ok=True)


def compile_translations() -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for source in sorted((HERE / "translations").glob("*/LC_MESSAGES/*.po")):
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parent.parent.name)
        fresh = source.with_suffix(".mo.tmp")
        with fresh.open("wb") as file:
            write_mo(file, catalogue)
        fresh.replace(source.with_suffix(".mo"))


def inputs() -> Iterable[Path]:
    yield Path(__file__)
    yield from sorted((STATIC / "css").glob("*.css"))
    yield from sorted((STATIC / "js").glob("*.js"))
    yield from sorted((HERE / "translations").glob("*/LC_MESSAGES/*.po"))


def stamp() -> str:
    """A hash of everything the build reads; a wheel counts by its place and size, reading it would take longer."""
    digest = hashlib.sha256()
    for path in inputs():
        digest.update(path.name.encode() + path.read_bytes())
    for face in FACES:
        source = source_of(face)
        digest.update(f"{source} {source.stat().st_size if source else 0}".encode())
    return digest.hexdigest()


def whole() -> bool:
    """Whether every file the manifest names is there, and every catalogue is compiled."""
    manifest = BUILD / "manifest.json"
    if not manifest.exists():
        return False
    said = json.loads(manifest.read_text())
    names = [said["css"], said["js"], *said["fonts"]]
    compiled = all(
        po.with_suffix(".mo").exists() for po in (HERE / "translations").glob("*/LC_MESSAGES/*.po")
    )
    if source_of(FACES[0]) is not None:
        names += [f"fonts/print-{weight}.ttf" for weight in PRINT_WEIGHTS]
    return compiled and all((BUILD / name).exists() for name in names)


def clear(said: dict[str, Any]) -> None:
    """Drop what an older build left, but keep the fonts' memory."""
    kept = {
        said["css"],
        f"{said['css']}.br",
        f"{said['css']}.gz",
        said["js"].split("/")[0],
        "fonts",
        "manifest.json",
        ".stamp",
    }
    for path in BUILD.iterdir():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (BUILD / "fonts").glob("*.woff2"):
        if f"fonts/{path.name}" not in said["fonts"]:
            path.unlink()


def main(arguments: list[str]) -> int:
    started = time.perf_counter()
    now = stamp()
    mark = BUILD / ".stamp"
    if "--force" not in arguments and mark.exists() and mark.read_text() == now and whole():
        return 0
    BUILD.mkdir(parents=True, exist_ok=True)
    faces = build_faces()
    build_print_faces()
    said = {"css": build_css(faces), "js": build_js(), "fonts": [f"fonts/{name}" for name in faces.values()]}
    compress(said)
    compile_translations()
    (BUILD / "manifest.json").write_text(json.dumps(said, indent=1) + "\n")
    clear(said)
    mark.write_text(now)
    print(f"  assets built in {time.perf_counter() - started:.1f} s: {said['css']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
