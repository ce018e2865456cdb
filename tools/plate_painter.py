"""Number plates of no country in particular, drawn for `plate_net_samples.py`, and things that look like them."""

import string
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from plate_net_frames import Pixels

Rng = np.random.Generator

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
