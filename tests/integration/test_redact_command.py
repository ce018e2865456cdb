"""`dashlight redact` over files of every kind, with the real networks."""

import argparse
import json
import struct
import zlib

import cv2
import numpy as np
import pytest
import simplejpeg

from dashlight.cli import redact
from dashlight.errors import HostError, InputError, UsageError


def scene(width=640, height=360):
    """A grey car's back with a plate."""
    picture = np.full((height, width, 3), 110, np.uint8)
    picture[100:300, 200:440] = 60
    picture[205:233, 262:382] = 238
    cv2.putText(picture, "B 52 CNW", (268, 227), cv2.FONT_HERSHEY_DUPLEX, 0.7, (15, 15, 15), 1, cv2.LINE_AA)
    return picture


PLATE = (262, 205, 382, 233)


def jpeg_of(picture, *, exif=b""):
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=92, colorspace="RGB")
    if not exif:
        return jpeg
    body = b"Exif\0\0" + exif
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def exif_with_orientation(value):
    """A TIFF header, and one directory: Orientation, and a Make that names the owner's camera."""
    entries = [struct.pack("<HHII", 0x010F, 2, 4, 0x004D4143), struct.pack("<HHIHH", 0x0112, 3, 1, value, 0)]
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2) + b"".join(entries) + struct.pack("<I", 0)


def run(capsys, *arguments):
    parser = argparse.ArgumentParser()
    redact.add_parser(parser.add_subparsers())
    args = parser.parse_args(["redact", *map(str, arguments)])
    code = args.run(args)
    out, err = capsys.readouterr()
    return code, out, err


def rows_of(out):
    return [json.loads(line) for line in out.splitlines()]


def covered(row, box=PLATE):
    mask = np.zeros((2000, 2000), bool)
    for each in row["redactions"]:
        x_min, y_min, x_max, y_max = each["bbox_xyxy"]
        mask[y_min:y_max, x_min:x_max] = True
    return mask[box[1] : box[3], box[0] : box[2]].mean()


def test_a_photo_loses_its_plate_and_its_metadata(tmp_path, capsys):
    source = tmp_path / "photo.jpg"
    source.write_bytes(jpeg_of(scene(), exif=exif_with_orientation(1)))
    before = source.read_bytes()

    code, out, _ = run(capsys, source, "--output", tmp_path / "out", "--json")

    (row,) = rows_of(out)
    made = (tmp_path / "out" / "photo.jpg").read_bytes()
    assert code == 0
    assert row["input"] == str(source)
    assert row["output"] == str(tmp_path / "out" / "photo.jpg")
    assert row["detect_ms"] > 0
    assert covered(row) == 1.0
    assert b"Exif" not in made
    assert simplejpeg.decode_jpeg(made)[210:228, 270:375].std() < 20
    assert source.read_bytes() == before


def test_a_photo_on_its_side_is_turned_and_boxes_are_those_of_the_output(tmp_path, capsys):
    source = tmp_path / "side.jpg"
    sideways = np.rot90(scene(), 1)  # Orientation 6 says: turn by 90 degrees clockwise to see it upright.
    source.write_bytes(jpeg_of(sideways, exif=exif_with_orientation(6)))

    _, out, _ = run(capsys, source, "--output", tmp_path / "out", "--json")

    (row,) = rows_of(out)
    made = simplejpeg.decode_jpeg((tmp_path / "out" / "side.jpg").read_bytes())
    assert made.shape[:2] == (360, 640)
    assert covered(row) == 1.0


def test_folders_are_searched_and_a_png_becomes_a_jpeg(tmp_path, capsys):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "in" / "deep" / "shot.png"), scene()[:, :, ::-1])
    (tmp_path / "in" / "notes.txt").write_text("not a photo")

    code, out, _ = run(capsys, tmp_path / "in", "--output", tmp_path / "out")

    assert code == 0
    assert (tmp_path / "out" / "deep" / "shot.jpg").read_bytes().startswith(b"\xff\xd8")
    assert "1 plate" in out


def test_bad_files_are_named_and_the_others_go_on(tmp_path, capsys):
    whole = jpeg_of(scene())
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "good.jpg").write_bytes(whole)
    (tmp_path / "text.png").write_text("not a picture")
    tiny = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + tiny
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + b"IEND"
    (tmp_path / "bomb.png").write_bytes(bomb)

    code, out, err = run(
        capsys, tmp_path, tmp_path / "nowhere.jpg", "--output", tmp_path / "out", "--json", "--workers", "1"
    )

    rows = rows_of(out)
    errors = {row["input"].rsplit("/", 1)[1]: row["error"] for row in rows if "error" in row}
    assert code == 3
    assert set(errors) == {"cut.jpg", "empty.jpg", "text.png", "bomb.png", "nowhere.jpg"}
    assert "100000x100000" in errors["bomb.png"]
    assert [row["input"] for row in rows if "output" in row] == [str(tmp_path / "good.jpg")]
    assert "1 photo redacted, 5 rejected" in err


def test_an_output_inside_the_input_is_not_read_again(tmp_path, capsys):
    (tmp_path / "photo.jpg").write_bytes(jpeg_of(scene()))
    run(capsys, tmp_path, "--output", tmp_path / "redacted")

    code, out, _ = run(capsys, tmp_path, "--output", tmp_path / "redacted", "--json")

    assert code == 0
    assert [row["input"] for row in rows_of(out)] == [str(tmp_path / "photo.jpg")]


@pytest.mark.parametrize("output", [".", "link"])
def test_an_input_is_never_overwritten(tmp_path, capsys, output):
    source = tmp_path / "photo.jpg"
    source.write_bytes(jpeg_of(scene()))
    (tmp_path / "link").symlink_to(tmp_path)
    before = source.read_bytes()

    code, _, err = run(capsys, source, "--output", tmp_path / output)

    assert code == 3
    assert "would overwrite" in err
    assert source.read_bytes() == before


def test_two_photos_of_one_name_do_not_overwrite_each_other(tmp_path, capsys):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "photo.jpg").write_bytes(jpeg_of(scene()))

    code, out, err = run(
        capsys, tmp_path / "a/photo.jpg", tmp_path / "b/photo.jpg", "--output", tmp_path / "out", "--json"
    )

    assert code == 3
    assert len([row for row in rows_of(out) if "output" in row]) == 1
    assert "is that of" in err


def test_a_folder_is_a_sequence_only_when_asked_to(tmp_path, capsys):
    plain = scene()
    plain[205:233, 262:382] = 60
    (tmp_path / "in").mkdir()
    for index, picture in enumerate([scene(), plain, scene()]):
        (tmp_path / "in" / f"{index}.jpg").write_bytes(jpeg_of(picture))

    _, alone, _ = run(capsys, tmp_path / "in", "--output", tmp_path / "one", "--json")
    _, together, _ = run(capsys, tmp_path / "in", "--output", tmp_path / "two", "--json", "--sequence")

    assert covered(rows_of(alone)[1]) < 0.5
    assert covered(rows_of(together)[1]) == 1.0


def test_no_photo_at_all_is_an_input_error(tmp_path, capsys):
    with pytest.raises(InputError, match="no photo"):
        run(capsys, tmp_path, "--output", tmp_path / "out")


@pytest.mark.parametrize("workers", [0, 65])
def test_workers_are_bounded_and_the_bound_is_told(tmp_path, capsys, workers):
    with pytest.raises(UsageError, match=f"--workers {workers} is outside 1..64"):
        run(capsys, tmp_path, "--output", tmp_path / "out", "--workers", workers)


def test_the_folder_of_the_photos_is_no_output(tmp_path, capsys):
    (tmp_path / "link").symlink_to(tmp_path)

    for output in (tmp_path, tmp_path / "link"):
        with pytest.raises(UsageError, match="is the folder of the photos itself") as told:
            run(capsys, tmp_path, "--output", output)
        assert str(tmp_path.with_name(f"{tmp_path.name}-redacted")) in told.value.hint


def test_a_folder_within_the_output_is_read(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "photo.jpg").write_bytes(jpeg_of(scene()))

    code, _, err = run(capsys, tmp_path / "in", "--output", tmp_path)

    assert code == 0
    assert "1 photo redacted, 0 rejected" in err
    assert (tmp_path / "photo.jpg").read_bytes().startswith(b"\xff\xd8")


def test_an_output_that_cannot_be_written_is_told(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "photo.jpg").write_bytes(jpeg_of(scene()))
    (tmp_path / "out").write_text("in the way")

    with pytest.raises(HostError, match=r"cannot write photo\.jpg"):
        run(capsys, tmp_path / "in", "--output", tmp_path / "out")
