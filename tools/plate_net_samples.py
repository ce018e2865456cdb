"""Make the training samples of `train_plate_net.py`: real frames, drawn plates, noise.

Three sources are mixed: frames with labelled plates; street pictures without plate
labels, on which plates are pasted and where everything unlabelled counts little,
because real plates may be there; and real plates cut out, recoloured, and pasted
somewhere else.
"""

import json
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = np.ndarray[Any, Any]  # (H, W, 3) uint8
Boxes = npt.NDArray[np.float32]
Rng = np.random.Generator

STRIDE = 8
CROP_HEIGHT, CROP_WIDTH = 320, 448
HELD_OUT_SHARE = 0.2
UNSURE_WEIGHT = 0.2
SIGN_SETS = ("gtsdb_classes_281", "road_signs_877_subset", "traffic_lights_asia")
FONT_WORDS = ("Narrow-Bold", "Mono-Bold", "Sans-Bold", "SansCondensed-Bold", "Sans-Regular", "SansMono.")

# (width : height, plate colours, ink colours): the world's plates in a dozen lines. RGB.
WHITE, YELLOW, BLACK, BLUE, RED, GREEN = (
    (236, 236, 232), (246, 200, 30), (22, 22, 24), (28, 60, 150), (170, 24, 30), (20, 100, 60),
)  # fmt: skip
STYLES: tuple[tuple[str, float, tuple[Any, ...], tuple[Any, ...]], ...] = (
    ("eu", 4.7, (WHITE, WHITE, WHITE, YELLOW), (BLACK,)),
    ("eu", 4.7, (WHITE,), (BLACK, RED, BLUE, GREEN)),
    ("plain", 4.7, (WHITE, YELLOW, BLACK), (BLACK, WHITE)),
    ("us", 2.0, (WHITE, (225, 232, 245), (240, 235, 210), YELLOW), (BLUE, BLACK, RED, GREEN)),
    ("us", 2.0, ((30, 60, 120), (60, 110, 60), BLACK, (200, 215, 235)), (WHITE, YELLOW, BLACK)),
    ("us", 2.1, (WHITE, (250, 240, 225)), ((30, 40, 90), BLACK)),
    ("br", 3.1, ((196, 198, 200), WHITE, RED, (180, 184, 188)), (BLACK, WHITE)),
    ("mercosul", 3.1, (WHITE,), (BLACK, RED, BLUE)),
    ("plain", 3.1, (BLUE, GREEN, YELLOW, WHITE), (WHITE, BLACK)),
    ("two", 1.3, (WHITE, YELLOW, BLACK, (196, 198, 200)), (BLACK, WHITE, RED)),
    ("two", 1.9, (WHITE, YELLOW), (BLACK, GREEN, RED)),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and its plates.

    Attributes:
        image: RGB.
        boxes: Labelled plates, `(N, 4)`.
        sure: Places known to be plates or not; where labels of other things are.
        is_labelled: Every plate is in `boxes`.
        unsure: Places that may be plates, found by a trained network.
        is_searched: Every place that may be a plate is in `unsure`.
    """

    image: Pixels
    boxes: Boxes
    sure: Boxes
    is_labelled: bool
    unsure: Boxes = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    is_searched: bool = False


def read_rgb(path: Path) -> Pixels:
    """Return the picture at `path`, RGB."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise SystemExit(f"{path} is no picture")
    return np.ascontiguousarray(bgr[:, :, ::-1])


def read_labels(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of `labels.jsonl`."""
    return [json.loads(line) for line in (folder / "labels.jsonl").read_text("utf-8").splitlines()]


def boxes_in(row: dict[str, Any]) -> Boxes:
    """Return the `(N, 4)` boxes of a label row."""
    return np.array([box["bbox_xyxy"] for box in row["boxes"]], np.float32).reshape(-1, 4)


def load_frames(folder: Path) -> tuple[list[Frame], list[Frame]]:
    """Return the training frames and the held-out ones: the last fifth of each video."""
    videos: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for row in read_labels(folder):
        video, second = Path(row["image"]).stem.rsplit("_", 1)
        videos.setdefault(video, []).append((int(second), row))
    kept: list[Frame] = []
    held_out: list[Frame] = []
    for _video, rows in sorted(videos.items()):
        rows.sort(key=lambda pair: pair[0])
        split = round(len(rows) * (1 - HELD_OUT_SHARE))
        for index, (_second, row) in enumerate(rows):
            boxes = boxes_in(row)
            frame = Frame(read_rgb(folder / row["image"]), boxes, boxes, is_labelled=True)
            (kept if index < split else held_out).append(frame)
    return kept, held_out


def load_backgrounds(folder: Path) -> list[Frame]:
    """Return street pictures whose real plates, if any, are unknown."""
    found = []
    for name in (*SIGN_SETS, "coco_street"):
        for row in read_labels(folder / name):
            sure = boxes_in(row) if name in SIGN_SETS else np.zeros((0, 4), np.float32)
            found.append(Frame(read_rgb(folder / name / row["image"]), sure[:0], sure, is_labelled=False))
    return found


def uniform_log(rng: Rng, low: float, high: float) -> float:
    """Return a draw that is uniform in the logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


class PlatePainter:
    """Draws number plates of no country in particular."""

    def __init__(self, fonts: Path) -> None:
        self.fonts = sorted(path for path in fonts.rglob("*.ttf") if any(word in path.name for word in FONT_WORDS))
        if not self.fonts:
            raise SystemExit(f"no fonts under {fonts}: name a folder of .ttf files with --fonts")
        self._cache: dict[tuple[Path, int], ImageFont.FreeTypeFont] = {}

    def _font(self, rng: Rng, size: int) -> ImageFont.FreeTypeFont:
        key = (self.fonts[int(rng.integers(len(self.fonts)))], max(6, size))
        if key not in self._cache:
            self._cache[key] = ImageFont.truetype(str(key[0]), key[1])
        return self._cache[key]

    def _text(self, rng: Rng, count: int) -> str:
        letters, digits = string.ascii_uppercase, string.digits
        kinds = [letters if rng.random() < 0.5 else digits] * count
        turn = int(rng.integers(1, max(2, count)))
        other = digits if kinds[0] is letters else letters
        kinds[turn:] = [other] * (count - turn)
        text = [alphabet[int(rng.integers(len(alphabet)))] for alphabet in kinds]
        if count > 4 and rng.random() < 0.6:
            text.insert(turn, str(rng.choice([" ", "-", ".", " "])))
        return "".join(text)

    def _write(self, draw: ImageDraw.ImageDraw, rng: Rng, text: str, box: tuple[float, ...], ink: Any) -> None:
        """Write `text` so that it fills `box` (x, y, width, height) in one direction."""
        x, y, width, height = box
        font = self._font(rng, int(height * 1.25))
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        if right - left > width:
            font = self._font_like(font, int(height * 1.25 * width / (right - left)))
            left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        place = (x + (width - right + left) / 2 - left, y + (height - bottom + top) / 2 - top)
        draw.text(place, text, fill=ink, font=font)

    def _font_like(self, font: ImageFont.FreeTypeFont, size: int) -> ImageFont.FreeTypeFont:
        key = (Path(str(font.path)), max(6, size))
        if key not in self._cache:
            self._cache[key] = ImageFont.truetype(str(key[0]), key[1])
        return self._cache[key]

    def plate(self, rng: Rng) -> Pixels:
        """Return a plate, RGB, 72 pixels high."""
        style, aspect, papers, inks = STYLES[int(rng.integers(len(STYLES)))]
        height = 72
        width = round(height * aspect * float(rng.uniform(0.92, 1.08)))
        paper = papers[int(rng.integers(len(papers)))]
        ink = inks[int(rng.integers(len(inks)))]
        if abs(sum(paper) - sum(ink)) < 160:
            ink = BLACK if sum(paper) > 380 else WHITE
        canvas = Image.new("RGB", (width, height), paper)
        draw = ImageDraw.Draw(canvas)
        if style == "us" and rng.random() < 0.4:
            self._scenery(draw, rng, width, height)
        inner = self._ornament(draw, rng, style, width, height, ink)
        if style == "two":
            x, y, w, h = inner
            upper = self._text(rng, int(rng.integers(2, 5)))
            self._write(draw, rng, upper, (x + w * 0.08, y, w * 0.84, h * 0.4), ink)
            lower = self._text(rng, int(rng.integers(3, 6)))
            self._write(draw, rng, lower, (x, y + h * 0.46, w, h * 0.54), ink)
        else:
            self._write(draw, rng, self._text(rng, int(rng.integers(5, 9))), inner, ink)
        if rng.random() < 0.6:
            edge = ink if rng.random() < 0.7 else (90, 90, 90)
            draw.rectangle((0, 0, width - 1, height - 1), outline=edge, width=int(rng.integers(1, 4)))
        for x in (0.12, 0.88) if rng.random() < 0.3 else ():
            draw.ellipse((width * x - 3, 6, width * x + 3, 12), fill=(120, 120, 120))
        return np.asarray(canvas, np.uint8)

    def _scenery(self, draw: ImageDraw.ImageDraw, rng: Rng, width: int, height: int) -> None:
        for _ in range(int(rng.integers(1, 4))):
            colour = tuple(int(c) for c in rng.integers(120, 250, 3))
            y = int(rng.integers(height))
            draw.ellipse((int(rng.integers(-width, width)), y, int(rng.integers(width, 2 * width)), y + 60), colour)

    def _ornament(
        self, draw: ImageDraw.ImageDraw, rng: Rng, style: str, width: int, height: int, ink: Any
    ) -> tuple[float, ...]:
        """Draw what the style has beside its number; return the room that is left."""
        if style == "eu":
            band = height * float(rng.uniform(0.4, 0.6))
            draw.rectangle((0, 0, band, height), fill=(20, 50, 150))
            code = "".join(rng.choice(list(string.ascii_uppercase), int(rng.integers(1, 4))))
            self._write(draw, rng, code, (4, height * 0.62, band - 8, height * 0.28), WHITE)
            draw.ellipse((band * 0.2, 10, band * 0.8, 10 + band * 0.6), outline=YELLOW, width=2)
            return (band + 8, height * 0.14, width - band - 16, height * 0.72)
        if style == "mercosul":
            draw.rectangle((0, 0, width, height * 0.28), fill=(10, 50, 140))
            self._write(draw, rng, "BRASIL", (width * 0.3, height * 0.06, width * 0.4, height * 0.18), WHITE)
            return (8, height * 0.34, width - 16, height * 0.58)
        if style in {"us", "br"}:
            name = "".join(rng.choice(list(string.ascii_uppercase), int(rng.integers(5, 13))))
            self._write(draw, rng, name, (width * 0.2, height * 0.05, width * 0.6, height * 0.16), ink)
            if rng.random() < 0.5:
                lower = (width * 0.2, height * 0.84, width * 0.6, height * 0.12)
                self._write(draw, rng, name[::-1].lower(), lower, ink)
            return (8, height * 0.27, width - 16, height * 0.54)
        return (8, height * 0.14, width - 16, height * 0.72)

    def decoy(self, rng: Rng) -> Pixels:
        """Return what is no plate: a blank panel, a line of words, a grille, a lamp."""
        height, width = 72, int(72 * rng.uniform(0.7, 6))
        paper = tuple(int(c) for c in rng.integers(0, 255, 3))
        canvas = Image.new("RGB", (width, height), paper)
        draw = ImageDraw.Draw(canvas)
        kind = rng.random()
        if kind < 0.3:
            for x in range(0, width, int(rng.integers(5, 20))):
                draw.line((x, 0, x, height), fill=tuple(int(c) // 2 for c in paper), width=2)
        elif kind < 0.6:
            words = "".join(rng.choice(list(string.ascii_lowercase + " "), int(rng.integers(12, 40))))
            ink = WHITE if sum(paper) < 380 else BLACK
            self._write(draw, rng, words, (4, 8, width - 8, 56 / max(1.0, len(words) / 14)), ink)
        elif kind < 0.8:
            draw.ellipse((4, 4, width - 4, height - 4), fill=tuple(255 - c for c in paper))
        return np.asarray(canvas, np.uint8)


class SampleMaker:
    """Makes samples from frames, backgrounds and drawn plates.

    With `min_contrast` above zero, a pasted plate whose grey levels spread less than that is neither a
    plate nor street: nobody could see it.
    """

    def __init__(
        self, frames: list[Frame], backgrounds: list[Frame], *, fonts: Path, min_contrast: float = 0.0
    ) -> None:
        self.frames, self.backgrounds = frames, backgrounds
        self.painter = PlatePainter(fonts)
        self.min_contrast = min_contrast

    def sample(self, rng: Rng) -> tuple[npt.NDArray[Any], ...]:
        """Return image `(H, W, 3) uint8`, heat, weight, distances, distance weight."""
        is_real = rng.random() < 0.5
        source = self.frames if is_real else self.backgrounds
        frame = source[int(rng.integers(len(source)))]
        image, boxes, sure, unsure = self._crop(rng, frame)
        pastes = int(rng.integers(1, 3)) if is_real and rng.random() < 0.35 else 0
        pastes = pastes if is_real else int(rng.integers(1, 5))
        around: list[npt.NDArray[np.float32]] = [*sure]
        for _ in range(pastes):
            box = self._paste(rng, image, boxes)
            if box is not None:
                boxes = np.concatenate([boxes, box[None]])
                around.append(box)
        if rng.random() < 0.3:
            self._paste(rng, image, boxes, is_decoy=True)
        image = degraded(rng, image)
        if rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
            boxes, unsure = mirrored(boxes), mirrored(unsure)
            around = [mirrored(box[None])[0] for box in around]
        is_seen = np.array([contrast(image, box) >= self.min_contrast for box in boxes], np.bool_)
        hazy, boxes = boxes[~is_seen], boxes[is_seen]
        weight = 1.0 if is_real or frame.is_searched else UNSURE_WEIGHT
        return (image, *targets(boxes.astype(np.float32), around, hazy=hazy, unsure=unsure, street_weight=weight))

    def _crop(self, rng: Rng, frame: Frame) -> tuple[Pixels, Boxes, Boxes, Boxes]:
        """Cut a window out of a frame: scale, slight rotation and perspective."""
        height, width = frame.image.shape[:2]
        scale = uniform_log(rng, 0.5, 2.0) if frame.is_labelled else uniform_log(rng, 0.8, 2.5)
        anchors = frame.boxes if frame.is_labelled else frame.sure
        if len(anchors) and rng.random() < 0.75:
            box = anchors[int(rng.integers(len(anchors)))]
            centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
            if frame.is_labelled and rng.random() < 0.3:  # any size of plate, from far to near
                scale = uniform_log(rng, 22, 330) / max(1.0, float(box[2] - box[0]))
                scale = float(np.clip(scale, 0.35, 4.0))
            centre += rng.uniform(-0.42, 0.42, 2) * [CROP_WIDTH / scale, CROP_HEIGHT / scale]
        else:
            centre = rng.uniform(0.15, 0.85, 2) * [width, height]
        turn = float(np.radians(rng.normal(0, 4)))
        shape = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
        shape = shape @ np.diag([uniform_log(rng, 0.85, 1.18), 1.0])
        matrix = np.eye(3)
        matrix[:2, :2] = shape
        matrix[:2, 2] = np.array([CROP_WIDTH / 2, CROP_HEIGHT / 2]) - shape @ centre
        bend = np.eye(3)
        bend[2, :2] = rng.normal(0, 0.12, 2) / [CROP_WIDTH, CROP_HEIGHT]
        middle = np.array([[1, 0, CROP_WIDTH / 2], [0, 1, CROP_HEIGHT / 2], [0, 0, 1.0]])
        matrix = middle @ bend @ np.linalg.inv(middle) @ matrix
        flags = cv2.INTER_AREA if scale < 0.7 else cv2.INTER_LINEAR
        out = cv2.warpPerspective(
            frame.image, matrix, (CROP_WIDTH, CROP_HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT_101
        )
        if not frame.is_labelled:
            return out, frame.boxes, mapped(frame.sure, matrix), mapped(frame.unsure, matrix)
        # Reflection beyond the frame would show plates that are not labelled: paint it over.
        known = cv2.warpPerspective(np.full((height, width), 255, np.uint8), matrix, (CROP_WIDTH, CROP_HEIGHT))
        out[known < 128] = rng.integers(0, 200, 3)
        boxes = mapped(frame.boxes, matrix)
        return out, boxes, boxes, frame.unsure

    def _paste(self, rng: Rng, image: Pixels, boxes: Boxes, *, is_decoy: bool = False) -> Boxes | None:
        """Paste a plate where none is, in place; return its box, or none for lack of room."""
        if is_decoy:
            plate = self.painter.decoy(rng)
        elif rng.random() < 0.3:
            plate = self._cut_out(rng)
        else:
            plate = self.painter.plate(rng)
        wide = uniform_log(rng, 22, 300)
        high = float(np.clip(wide * plate.shape[0] / plate.shape[1] * uniform_log(rng, 0.85, 1.2), 8, 160))
        if wide * 1.1 > CROP_WIDTH or high * 1.1 > CROP_HEIGHT:
            return None
        x, y = rng.uniform(wide / 2, CROP_WIDTH - wide / 2), rng.uniform(high / 2, CROP_HEIGHT - high / 2)
        corner = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
        turn = float(np.radians(rng.normal(0, 5)))
        corner = corner @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        corner[:, 1] += corner[:, 0] * rng.normal(0, 0.06)
        corner += rng.normal(0, 0.025, (4, 2)) * [wide, high] + [x, y]
        box = np.array([*corner.min(axis=0), *corner.max(axis=0)], np.float32)
        if len(boxes) and (overlaps(box, boxes) > 0).any():
            return None
        self._blend(rng, image, plate, corner.astype(np.float32), box)
        return box

    def _cut_out(self, rng: Rng) -> Pixels:
        """Return a real plate of a training frame, perhaps in other colours."""
        frame = self.frames[int(rng.integers(len(self.frames)))]
        x0, y0, x1, y1 = np.round(frame.boxes[int(rng.integers(len(frame.boxes)))]).astype(int)
        plate = frame.image[max(0, y0) : y1, max(0, x0) : x1].astype(np.float32)
        if rng.random() < 0.25:
            plate = 255 - plate
        if rng.random() < 0.5:
            plate = plate * rng.uniform(0.5, 1.1, 3).astype(np.float32)
        return np.clip(plate, 0, 255).astype(np.uint8)

    def _blend(self, rng: Rng, image: Pixels, plate: Pixels, corner: Boxes, box: Boxes) -> None:
        height, width = plate.shape[:2]
        grown = np.array([box[0] - 8, box[1] - 8, box[2] + 8, box[3] + 8]).astype(int)
        x0, y0 = np.maximum(grown[:2], 0)
        x1, y1 = min(int(grown[2]), CROP_WIDTH), min(int(grown[3]), CROP_HEIGHT)
        window = image[y0:y1, x0:x1].astype(np.float32)
        wide, high = box[2] - box[0], box[3] - box[1]
        if rng.random() < 0.4:  # a holder, a bumper, a recess around the plate
            shade = rng.uniform(0, 120, 3) if rng.random() < 0.6 else rng.uniform(0, 255, 3)
            pad = rng.uniform(0.03, 0.25) * high
            low = np.maximum([box[0] - pad - x0, box[1] - pad - y0], 0).astype(int)
            window[low[1] : int(box[3] + pad - y0), low[0] : int(box[2] + pad - x0)] = shade
        small = max(1.0, width / max(4.0, float(wide)) * 0.5)
        if small > 1.2:
            plate = cv2.GaussianBlur(plate, (0, 0), small * 0.5)
        square = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(square, corner - np.array([x0, y0], np.float32))
        size = (x1 - x0, y1 - y0)
        drawn: Pixels = cv2.warpPerspective(plate, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
        alpha = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size, flags=cv2.INTER_LINEAR)
        around = float(window.mean()) + 20
        light = float(np.clip(around / 130 * uniform_log(rng, 0.6, 1.6), 0.25, 1.4))
        first, last = (float(shade) for shade in rng.uniform(0.75, 1.25, 2))
        ramp = np.linspace(first, last, size[0])[None, :, None]
        drawn = drawn * light * ramp
        drawn = drawn.mean(axis=2, keepdims=True) * (mix := rng.uniform(0, 0.4)) + drawn * (1 - mix)
        alpha = alpha[:, :, None] * rng.uniform(0.85, 1.0)
        image[y0:y1, x0:x1] = np.clip(drawn * alpha + window * (1 - alpha), 0, 255).astype(np.uint8)


def mapped(boxes: Boxes, matrix: npt.NDArray[np.float64]) -> Boxes:
    """Return the upright hulls of boxes under a projective map."""
    if not len(boxes):
        return boxes.reshape(0, 4)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(1, -1, 2)
    moved = cv2.perspectiveTransform(corners.astype(np.float64), matrix).reshape(-1, 4, 2)
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1).astype(np.float32)


def overlaps(box: Boxes, boxes: Boxes) -> Boxes:
    """Return the area that `box` shares with each of `boxes`."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    return np.prod(np.clip(high - low, 0, None), axis=1).astype(np.float32)


def mirrored(boxes: Boxes) -> Boxes:
    """Return boxes of a crop in its mirror image."""
    flipped = boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [CROP_WIDTH, 0, CROP_WIDTH, 0]
    return np.asarray(flipped, np.float32)


def contrast(image: Pixels, box: Boxes) -> float:
    """Return the standard deviation of the grey levels inside a box."""
    x_min, y_min, x_max, y_max = (max(0, int(side)) for side in box)
    window = image[y_min:y_max, x_min:x_max]
    return float(window.mean(axis=2).std()) if window.size else 0.0


def degraded(rng: Rng, image: Pixels) -> Pixels:
    """Return the picture as another camera, hour and weather would give it."""
    out = image.astype(np.float32) / 255
    out = out ** uniform_log(rng, 0.6, 1.7)
    out = (out - 0.5) * rng.uniform(0.6, 1.35) + 0.5 + rng.uniform(-0.15, 0.15)
    out = out * rng.uniform(0.85, 1.15, 3).astype(np.float32)
    if rng.random() < 0.5:
        grey = out.mean(axis=2, keepdims=True)
        out = grey + (out - grey) * (0.0 if rng.random() < 0.15 else rng.uniform(0.3, 1.6))
    if rng.random() < 0.12:
        out = out * rng.uniform(0.2, 0.5)
    out8: Pixels = np.clip(out * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        out8 = cv2.GaussianBlur(out8, (0, 0), rng.uniform(0.4, 1.8))
    elif rng.random() < 0.2:
        length = int(rng.integers(3, 9))
        kernel = np.zeros((length, length), np.float32)
        cv2.line(kernel, (0, int(rng.integers(length))), (length - 1, int(rng.integers(length))), 1.0)
        out8 = cv2.filter2D(out8, -1, kernel / max(1.0, kernel.sum()))
    if rng.random() < 0.4:
        noise = rng.normal(0, rng.uniform(2, 14), (CROP_HEIGHT, CROP_WIDTH, 1)).astype(np.float32)
        out8 = np.clip(out8 + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))]
        out8 = np.asarray(cv2.imdecode(cv2.imencode(".jpg", out8, quality)[1], cv2.IMREAD_COLOR))
    return np.ascontiguousarray(out8)


def targets(
    boxes: Boxes, around: list[Boxes], *, hazy: Boxes, unsure: Boxes, street_weight: float
) -> tuple[npt.NDArray[np.float32], ...]:
    """Return heat and weight `(h, w)`, distances `(4, h, w)` and their weight `(h, w)`.

    Args:
        boxes: Plates.
        around: Boxes around which the labels are certain.
        hazy: Plates that cannot be seen: they say nothing either way.
        unsure: Places outside `around` that say nothing either way.
        street_weight: How much everything else counts as no plate.
    """
    high, wide = CROP_HEIGHT // STRIDE, CROP_WIDTH // STRIDE
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32) * STRIDE + STRIDE / 2
    heat = np.zeros((high, wide), np.float32)
    weight = np.full((high, wide), street_weight, np.float32)
    distance = np.ones((4, high, wide), np.float32)
    distance_weight = np.zeros((high, wide), np.float32)
    for box in unsure:
        weight[(x > box[0] - 8) & (x < box[2] + 8) & (y > box[1] - 8) & (y < box[3] + 8)] = 0.0
    for box in around:
        pad = (box[3] - box[1]) * 0.8
        near = (x > box[0] - pad) & (x < box[2] + pad) & (y > box[1] - pad) & (y < box[3] + pad)
        weight[near] = 1.0
    for box in hazy:
        weight[(x > box[0] - 8) & (x < box[2] + 8) & (y > box[1] - 8) & (y < box[3] + 8)] = 0.0
    bound = np.array([CROP_WIDTH, CROP_HEIGHT, CROP_WIDTH, CROP_HEIGHT], np.float32)
    for whole in boxes:
        box = np.clip(whole, 0, bound)
        width, height = box[2] - box[0], box[3] - box[1]
        if width <= 0 or height <= 0:
            continue
        seen = width * height / max(1.0, float((whole[2] - whole[0]) * (whole[3] - whole[1])))
        inside = (x > box[0] - 4) & (x < box[2] + 4) & (y > box[1] - 4) & (y < box[3] + 4)
        if seen < 0.5 or width < 14 or height < 5:  # too little of it to say either way
            weight[inside] = 0.0
            continue
        centre_x, centre_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        spread_x, spread_y = max(width * 0.14, 4.0), max(height * 0.2, 4.0)
        blob = np.exp(-(((x - centre_x) / spread_x) ** 2 + ((y - centre_y) / spread_y) ** 2) / 2)
        column, row = int(min(centre_x / STRIDE, wide - 1)), int(min(centre_y / STRIDE, high - 1))
        blob[row, column] = 1.0
        nearer = blob > heat
        heat = np.where(nearer, blob, heat)
        own = nearer & (blob > 0.3)
        to_edges = np.stack([x - box[0], y - box[1], box[2] - x, box[3] - y])
        distance[:, own] = np.maximum(to_edges[:, own], 0.5)
        distance_weight[own] = blob[own]
    return heat, weight, distance, distance_weight
