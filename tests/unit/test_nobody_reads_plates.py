"""Promise 3: plates are found only to be destroyed. No plate text, no face vector, no vehicle's fingerprint anywhere.

A contract: whoever wants to change what these tests say changes the promise, and should read
docs/explanation/promises.md first.
"""

import ast
import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from dashlight.model import Redaction, RedactionKind
from dashlight.vision import weights

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "dashlight"
WEIGHTS = {
    "centerface": "finds faces",
    "text_det": "finds where text is, not what it says",
    "nanodet": "finds persons and vehicles",
    "plate_net": "finds number plates",
}
CHANNELS = {
    "centerface": {1, 2, 10},  # score; size and offset; five points of a face
    "text_det": {1},  # how likely a pixel is of a text
    "nanodet": {80, 44},  # classes of COCO; distances to the four sides
    "plate_net": {4},  # distances to the four sides
}
READERS = re.compile(
    r"ocr|tesseract|alpr|openalpr|insightface|face[-_]recognition|deepface|facenet|arcface|reid|torchreid|open-clip|faiss|annoy"
)
READING = re.compile(
    r"plate_?(?:text|number|string|chars?|value)|read_?plate|ocr|recogni[sz]e|(?:face|person|vehicle)_?(?:id|vector|embedding|feature)"
    r"|embedding|re_?identif",
    re.IGNORECASE,
)


def identifiers(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for field in ("id", "attr", "name", "arg"):
            if isinstance(value := getattr(node, field, None), str):
                yield value


def test_the_weights_are_detectors_and_no_reader_is_among_them():
    table = tomllib.loads((SOURCE / "vision" / "weights.toml").read_text("utf-8"))

    assert set(table) == set(WEIGHTS)
    assert not [entry["file"] for entry in table.values() if re.search(r"rec|ocr|embed|reid", entry["file"])]


@pytest.mark.parametrize("name", WEIGHTS)
def test_no_model_has_an_output_for_letters_or_for_a_face_vector(name):
    onnxruntime = pytest.importorskip("onnxruntime")
    file = tomllib.loads((SOURCE / "vision" / "weights.toml").read_text("utf-8"))[name]["file"]
    path = SOURCE / "vision" / "weights" / file
    if not path.is_file():
        pytest.skip(f"{file} is not there; run `make vendor`")

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    # A reader gives a score for each letter of an alphabet, a face vector 128 numbers or more. Maps have no fixed size.
    assert {d for output in session.get_outputs() for d in output.shape[1:] if isinstance(d, int)} == CHANNELS[name]


def test_what_is_told_of_a_redaction_is_kind_box_and_score():
    assert [f.name for f in dataclasses.fields(Redaction)] == ["kind", "bbox_xyxy", "score"]
    assert {str(k) for k in RedactionKind} == {"face", "plate", "head"}


def test_no_dependency_reads_plates_or_recognises_faces():
    locked = set()
    for lock in ROOT.glob("requirements*.lock"):
        locked |= set(re.findall(r"^([a-z0-9-]+)==", lock.read_text("utf-8"), re.MULTILINE))

    assert len(locked) > 40
    assert not [name for name in locked if READERS.search(name)]


def test_no_name_in_the_source_speaks_of_reading_a_plate():
    found = {
        (path.relative_to(SOURCE).as_posix(), name)
        for path in sorted(SOURCE.rglob("*.py"))
        for name in identifiers(path)
        if READING.search(name)
        and not path.is_relative_to(SOURCE / "sim")  # the simulator paints plates: it knows what it painted
    }

    assert found == set()


def test_the_database_has_no_column_for_a_plate_a_face_or_a_vehicle():
    from dashlight.store import schema  # noqa: PLC0415

    columns = [c.name for t in schema.METADATA.tables.values() for c in t.columns]

    assert len(columns) > 10
    assert not [c for c in columns if re.search(r"plate|face|vehicle|person|embed|vector|text|descriptor", c)]


def test_a_weight_that_is_not_in_the_table_cannot_be_loaded():
    assert not [name for name in dir(weights) if READING.search(name)]
