import shutil
import struct

import av
import av.logging
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from dashlight.edge.recordings.video import Sharpest, Window, fitted, sharpness
from dashlight.errors import Corrupt, HostError, UsageError
from dashlight.sim.mux.mp4 import Rewriter


def windows(*edges):
    return [Window(a, b, (a + b) / 2) for a, b in edges]


def winners(path, *edges, max_size=(1280, 720)):
    decoding = Sharpest(path, windows(*edges), max_size=max_size)
    return list(decoding), decoding


def test_the_sharpest_frame_of_each_window_wins(tmp_path, encode, noise_picture):
    sharp = {7, 22, 34}
    pictures = [noise_picture(320, 180, seed=3, blur=2 if i in sharp else 20) for i in range(40)]
    path = encode(tmp_path / "v.mp4", pictures)

    found, decoding = winners(path, (0.45, 0.95), (2.0, 2.4), (3.2, 3.6))

    assert [round(w.offset_s * 10) for w in found] == [7, 22, 34]
    assert [w.window for w in found] == [0, 1, 2]
    assert decoding.damage is None
    for winner in found:
        assert winner.rgb.shape == (180, 320, 3)
        assert winner.rgb.flags["C_CONTIGUOUS"]


def test_sharpness_falls_with_blur(noise_picture):
    by_blur = [sharpness(noise_picture(320, 180, seed=1, blur=blur)[:, :, 0].copy()) for blur in (1, 2, 4, 8, 16)]

    assert by_blur == sorted(by_blur, reverse=True)
    assert sharpness(np.full((180, 320), 90, np.uint8)) == 0.0


def test_groups_of_pictures_without_a_window_are_not_decoded(clip):
    found, decoding = winners(clip, (0.2, 0.4), (6.2, 6.4))

    assert len(found) == 2
    assert decoding.skipped_packets >= 30
    assert decoding.decoded_frames < 50
    assert found[1].offset_s == pytest.approx(6.3, abs=0.11)


def test_skipping_does_not_change_what_is_seen(clip):
    everything, _ = winners(clip, *[(i / 10 - 0.01, i / 10 + 0.01) for i in range(80)])
    lone, _ = winners(clip, (6.29, 6.31))

    assert len(everything) == 80
    assert np.array_equal(lone[0].rgb, everything[63].rgb)


def test_no_window_opens_no_file(tmp_path):
    assert winners(tmp_path / "gone.mp4")[0] == []


def test_a_variable_frame_rate_keeps_its_times(tmp_path, encode, noise_picture):
    times = [0.0, 0.1, 0.15, 0.2, 0.9, 1.0, 1.05, 2.5, 2.6, 2.61, 3.5]
    path = encode(tmp_path / "v.mp4", [noise_picture(160, 90, seed=i) for i in range(len(times))], times=times)

    found, _ = winners(path, (0.05, 0.12), (0.85, 0.95), (2.45, 2.55))

    assert [w.offset_s for w in found] == pytest.approx([0.1, 0.9, 2.5], abs=0.01)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_stream_that_breaks_off_yields_what_could_be_decoded(tmp_path, encode, noise_picture, share):
    whole = encode(tmp_path / "whole.ts", [noise_picture(320, 180, seed=i, blur=4) for i in range(60)])
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])

    found, _ = winners(cut, *[(i / 2, i / 2 + 0.2) for i in range(12)])

    assert 12 * share - 3 <= len(found) <= 12 * share + 2


def test_an_mp4_whose_media_is_cut_tells_of_the_damage(tmp_path, encode, noise_picture):
    whole = encode(
        tmp_path / "w.mp4",
        [noise_picture(320, 180, seed=i, blur=4) for i in range(60)],
        container_options={"movflags": "faststart"},
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    found, decoding = winners(cut, *[(i / 2, i / 2 + 0.2) for i in range(12)])

    assert 3 <= len(found) <= 8
    assert isinstance(decoding.damage, Corrupt)
    assert decoding.damage.code in ("truncated", "damaged")


def test_flipped_bits_do_not_stop_the_rest(tmp_path, clip):
    bad = bytearray(clip.read_bytes())
    start = len(bad) // 2
    bad[start : start + 4000] = bytes(4000)
    path = tmp_path / "bad.mp4"
    path.write_bytes(bytes(bad))

    found, _ = winners(path, *[(i / 2, i / 2 + 0.2) for i in range(16)])

    assert len(found) >= 10


def test_no_video_and_no_file_are_told(tmp_path):
    (tmp_path / "letter.mp4").write_bytes(b"Dear camera" * 100)

    with pytest.raises(Corrupt):
        winners(tmp_path / "letter.mp4", (0.0, 1.0))
    with pytest.raises(HostError):
        winners(tmp_path / "gone.mp4", (0.0, 1.0))


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("matrix", [Colorspace.ITU709, Colorspace.ITU601])
def test_range_and_matrix_of_the_stream_are_honoured(tmp_path, encode, full, matrix):
    colours = np.zeros((180, 320, 3), np.uint8)
    colours[:, :80], colours[:, 80:160], colours[:, 160:240], colours[:, 240:] = (
        (200, 30, 40),
        (30, 180, 60),
        (20, 40, 220),
        (250, 250, 250),
    )
    colour_range = ColorRange.JPEG if full else ColorRange.MPEG
    path = encode(tmp_path / "v.mp4", [colours] * 3, range_and_matrix=(colour_range, matrix), options={"crf": "5"})

    found, _ = winners(path, (0.0, 0.2))

    for column in (40, 120, 200, 280):
        seen, meant = found[0].rgb[90, column].astype(int), colours[90, column].astype(int)
        assert np.abs(seen - meant).max() <= 6, (column, seen, meant)


def _turned(path, out_path, matrix):
    rewriter = Rewriter(path)
    track = next(box for box in rewriter.moov.children if box.kind == b"trak").find(b"tkhd")
    at = len(track.content) - 44
    track.content = track.content[:at] + struct.pack(">9i", *matrix) + track.content[at + 36 :]
    rewriter.write(out_path)
    rewriter.finish(out_path)
    return out_path


@pytest.mark.parametrize(
    ("matrix", "corner", "size"),
    [
        ((0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000), (0, 0), (320, 180)),
        ((0, 0x10000, 0, -0x10000, 0, 0, 180 << 16, 0, 0x40000000), (0, -1), (180, 320)),
        ((-0x10000, 0, 0, 0, -0x10000, 0, 320 << 16, 180 << 16, 0x40000000), (-1, -1), (320, 180)),
        ((0, -0x10000, 0, 0x10000, 0, 0, 0, 320 << 16, 0x40000000), (-1, 0), (180, 320)),
    ],
    ids=["upright", "clockwise", "upside down", "counterclockwise"],
)
def test_pictures_are_upright(tmp_path, encode, matrix, corner, size):
    picture = np.zeros((180, 320, 3), np.uint8)
    picture[:40, :40] = (255, 255, 255)
    path = _turned(encode(tmp_path / "v.mp4", [picture] * 3), tmp_path / "turned.mp4", matrix)

    found, _ = winners(path, (0.0, 0.2))

    rgb = found[0].rgb
    assert (rgb.shape[1], rgb.shape[0]) == size
    y, x = (10 if c == 0 else -10 for c in corner)
    assert rgb[y, x].min() > 200
    assert rgb.mean() < 40


@pytest.mark.parametrize(
    ("size", "bound", "expected"),
    [
        ((1920, 1080), (1280, 720), (1280, 720)),
        ((3840, 2160), (1280, 720), (1280, 720)),
        ((848, 480), (1280, 720), (848, 480)),
        ((1376, 1840), (1280, 720), (538, 720)),
        ((2560, 1080), (1280, 720), (1280, 540)),
        ((1920, 1440), (1280, 720), (960, 720)),
    ],
)
def test_pictures_fit_and_are_never_enlarged(size, bound, expected):
    assert fitted(*size, bound) == expected


def test_a_senseless_size_is_refused():
    with pytest.raises(UsageError, match="16x16"):
        fitted(1920, 1080, (0, 0))


def test_winners_are_scaled(clip):
    found, _ = winners(clip, (0.0, 0.3), max_size=(160, 160))

    assert found[0].rgb.shape == (90, 160, 3)


def test_hevc_and_h264_of_real_cameras_decode(shared_recordings):
    for name, size in (
        ("sample-5s_h265.mp4", (720, 538)),
        ("sample-5s.mp4", (720, 1280)),
        ("test_video.mp4", (720, 1280)),
    ):
        found, decoding = winners(shared_recordings / name, (0.5, 0.7), (1.1, 1.3))

        assert [w.rgb.shape[:2] for w in found] == [size, size]
        assert decoding.damage is None


def test_a_file_that_changes_into_another_while_open_does_not_crash(tmp_path, clip):
    path = tmp_path / "v.mp4"
    shutil.copy(clip, path)
    decoding = iter(Sharpest(path, windows((0.0, 0.2), (7.0, 7.3)), max_size=(320, 320)))
    next(decoding)
    path.write_bytes(b"")

    assert len(list(decoding)) <= 1


def test_a_ten_bit_stream_decodes(tmp_path, noise_picture):
    path = tmp_path / "ten.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p10le"
        stream.options = {"preset": "ultrafast", "x265-params": "log-level=none"}
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(noise_picture(320, 180, seed=i), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p10le")))
        container.mux(stream.encode())

    found, _ = winners(path, (0.2, 0.5))

    assert found[0].rgb.std() > 10


def test_ffmpegs_threads_never_log_through_python():
    """With any level set, a damaged frame makes decoding threads and Python's lock wait for each other."""
    assert av.logging.get_level() is None
