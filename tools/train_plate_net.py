"""Train the number plate detector that dashlight ships, and export it to ONNX.

The network is ours: a fully convolutional one of about 142,000 parameters with a
stride 8 heat map of plate centres and four box distances (left, top, right, bottom)
a cell. It learns from 397 labelled frames of two videos, of which the last fifth of
each video by time is held out, and from plates drawn in the styles of many countries
and pasted on street pictures. What it was judged on is in
`docs/reference/model-card-plate-net.md`.

PyTorch is needed to train and never to run: install it in an environment of its own.

    python -m venv /tmp/trainvenv
    /tmp/trainvenv/bin/pip install torch==2.13.0 numpy opencv-python-headless onnx pillow
    /tmp/trainvenv/bin/python tools/train_plate_net.py --data ../shared/data

Samples are drawn from the seed and the sample's number, so that the number of loader
processes does not change them. The last line of the output is one JSON object with
the held-out figures.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from plate_net_frames import Frame, load_backgrounds, load_frames
from plate_net_samples import SampleMaker

STRIDE = 8
PAD_MULTIPLE = 16
UNSURE_SCORE = 0.5  # From here on, what the first stage finds in unlabelled pictures may be a plate.
MIN_CONTRAST = 6.0  # Grey levels; below, a pasted plate cannot be seen.
WEIGHTS = Path(__file__).resolve().parent.parent / "src/dashlight/vision/weights/plate_net.onnx"


class Conv(nn.Sequential):
    """A 3x3 or 1x1 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, size: int = 3, stride: int = 1, dilation: int = 1) -> None:
        padding = dilation * (size // 2)
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, padding, dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class PlateNet(nn.Module):
    """Plate centres and box distances at stride 8, with context from stride 16.

    Input: `(N, H, W, 3) uint8` RGB, H and W multiples of 16. Output: scores
    `(N, H/8, W/8)` in [0, 1] and distances `(N, 4, H/8, W/8)` in pixels from a cell's
    centre to the left, top, right and bottom edge of its box.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Conv(3, 12, stride=2), Conv(12, 24, stride=2), Conv(24, 36, stride=2))
        self.fine = Conv(36, 36)
        self.wide = nn.Sequential(
            Conv(36, 60, stride=2), Conv(60, 60), Conv(60, 60, dilation=2), Conv(60, 36, dilation=3)
        )
        self.head = nn.Sequential(Conv(72, 32, size=1), Conv(32, 36))
        self.score = nn.Conv2d(36, 1, 1)
        self.distance = nn.Conv2d(36, 4, 1)
        nn.init.constant_(self.score.bias, -4.0)  # type: ignore[arg-type]
        nn.init.constant_(self.distance.bias, 1.0)  # type: ignore[arg-type]

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return score logits `(N, 1, h, w)` and distances `(N, 4, h, w)` in pixels."""
        x = image.permute(0, 3, 1, 2).float() * (1.0 / 255.0) - 0.5
        fine = self.fine(self.stem(x))
        wide = functional.interpolate(self.wide(fine), scale_factor=2.0, mode="nearest")
        head = self.head(torch.cat([fine, wide], dim=1))
        return self.score(head), self.distance(head).clamp(-3.0, 4.0).exp() * STRIDE

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores `(N, h, w)` and distances `(N, 4, h, w)` in pixels."""
        score, distance = self.logits(image)
        return torch.sigmoid(score).squeeze(1), distance


@dataclass(frozen=True, slots=True)
class Stage:
    """One run over samples: `learn` from scratch, or `refine` what was learned."""

    name: str
    steps: int
    rate: float


class Samples(Dataset[tuple[Tensor, ...]]):
    """Sample `index` is a function of the seed and `index` alone."""

    def __init__(self, maker: SampleMaker, *, seed: int, first: int, count: int) -> None:
        self.maker, self.seed, self.first, self.count = maker, seed, first, count

    def __len__(self) -> int:
        """Return how many samples there are."""
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        """Return image, heat, weight, distances and distance weight of one sample."""
        rng = np.random.default_rng([self.seed, self.first + index])
        return tuple(torch.from_numpy(part) for part in self.maker.sample(rng))


def focal_loss(logit: Tensor, heat: Tensor, weight: Tensor) -> Tensor:
    """Return the penalty-reduced focal loss of CenterNet (Zhou et al. 2019), a positive."""
    score = torch.sigmoid(logit).clamp(1e-4, 1 - 1e-4)
    is_centre = (heat >= 0.999).float()
    found = is_centre * (1 - score) ** 2 * torch.log(score)
    missed = (1 - is_centre) * (1 - heat) ** 4 * score**2 * torch.log(1 - score)
    return -((found + missed) * weight).sum() / is_centre.mul(weight).sum().clamp(min=1.0)


def box_loss(distance: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return 1 - GIoU of the boxes that share a cell, weighted, plus a log-scale L1."""
    overlap = torch.minimum(distance, target)
    union_hull = torch.maximum(distance, target)
    inter = (overlap[:, 0] + overlap[:, 2]) * (overlap[:, 1] + overlap[:, 3])
    hull = (union_hull[:, 0] + union_hull[:, 2]) * (union_hull[:, 1] + union_hull[:, 3])
    area = (distance[:, 0] + distance[:, 2]) * (distance[:, 1] + distance[:, 3])
    area_target = (target[:, 0] + target[:, 2]) * (target[:, 1] + target[:, 3])
    union = area + area_target - inter
    giou = inter / union.clamp(min=1.0) - (hull - union) / hull.clamp(min=1.0)
    log_l1 = (torch.log(distance) - torch.log(target.clamp(min=0.4))).abs().mean(dim=1)
    return ((1.0 - giou + 0.3 * log_l1) * weight).sum() / weight.sum().clamp(min=1.0)


def boxes_of(net: PlateNet, image: np.ndarray[Any, Any], *, threshold: float) -> np.ndarray[Any, Any]:
    """Return `(N, 5) float32` boxes (x_min, y_min, x_max, y_max, score), NMS applied."""
    height, width = image.shape[:2]
    padded = cv2.copyMakeBorder(image, 0, -height % PAD_MULTIPLE, 0, -width % PAD_MULTIPLE, cv2.BORDER_CONSTANT)
    with torch.no_grad():
        score, distance = net(torch.from_numpy(padded)[None])
    rows, columns = np.nonzero(score[0].numpy() >= threshold)
    if rows.size == 0:
        return np.zeros((0, 5), np.float32)
    left, top, right, bottom = distance[0].numpy()[:, rows, columns]
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    found = np.stack([x - left, y - top, x + right, y + bottom, score[0].numpy()[rows, columns]], axis=1)
    sides = found[:, :4].copy()
    sides[:, 2:] -= sides[:, :2]
    kept = np.asarray(cv2.dnn.NMSBoxes(sides.tolist(), found[:, 4].tolist(), threshold, 0.3), int).ravel()
    return found[kept].astype(np.float32)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the held-out frames say at one score threshold."""

    threshold: float
    recall: float
    false_boxes_per_image: float
    painted_share: float


def judge(net: PlateNet, frames: list[Any], *, threshold: float, margin: float = 0.25) -> HeldOut:
    """Return recall (90 % of a plate's area painted), false boxes and painted share."""
    net.eval()
    plates = covered = false = 0
    painted = 0.0
    for frame in frames:
        height, width = frame.image.shape[:2]
        mask = np.zeros((height, width), bool)
        for x0, y0, x1, y1, _score in boxes_of(net, frame.image, threshold=threshold):
            pad_x, pad_y = (x1 - x0) * margin / 2, (y1 - y0) * margin / 2
            window = mask[
                max(0, round(y0 - pad_y)) : max(0, round(y1 + pad_y)),
                max(0, round(x0 - pad_x)) : max(0, round(x1 + pad_x)),
            ]
            window[...] = True
            centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
            false += not any(b[0] <= centre_x <= b[2] and b[1] <= centre_y <= b[3] for b in frame.boxes)
        painted += float(mask.mean())
        for x0, y0, x1, y1 in np.round(frame.boxes).astype(int):
            plates += 1
            covered += float(mask[max(0, y0) : y1, max(0, x0) : x1].mean()) >= 0.9
    return HeldOut(threshold, covered / max(1, plates), false / max(1, len(frames)), painted / max(1, len(frames)))


def export(net: PlateNet, path: Path) -> None:
    """Write the network as ONNX (opset 17) with dynamic batch, height and width."""
    from plate_net_export import write_onnx  # noqa: PLC0415 (needs onnx, which training does not)

    net.eval()
    write_onnx(net, path)


def averaged(average: dict[str, Tensor], net: PlateNet, step: int) -> None:
    """Move the exponential moving average of the weights towards the network's."""
    decay = min(0.998, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.dtype.is_floating_point:
                average[name].lerp_(value, 1 - decay)
            else:
                average[name].copy_(value)


def batches(maker: SampleMaker, args: argparse.Namespace, stage: Stage) -> Iterator[list[Tensor]]:
    """Yield the batches of a stage; the second stage's samples follow the first's."""
    first = 0 if stage.name == "learn" else args.steps * args.batch
    samples = Samples(maker, seed=args.seed, first=first, count=stage.steps * args.batch)
    yield from DataLoader(samples, args.batch, num_workers=args.loaders, prefetch_factor=4)


def train(net: PlateNet, maker: SampleMaker, held_out: list[Any], args: argparse.Namespace, stage: Stage) -> PlateNet:
    """Train, write a checkpoint every so often, and return the averaged network."""
    average = {name: value.clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.AdamW(net.parameters(), lr=stage.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, stage.rate, total_steps=stage.steps, pct_start=0.1)
    judged = PlateNet()
    started = time.monotonic()
    for step, batch in enumerate(batches(maker, args, stage), start=1):
        image, heat, weight, target, target_weight = batch
        net.train()
        logit, distance = net.logits(image)
        loss_heat = focal_loss(logit.squeeze(1), heat, weight)
        loss_box = box_loss(distance, target, target_weight)
        optimiser.zero_grad()
        (loss_heat + loss_box).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        averaged(average, net, step)
        if step % 50 == 0:
            losses = {"heat": round(float(loss_heat.detach()), 4), "box": round(float(loss_box.detach()), 4)}
            line = {"stage": stage.name, "step": step} | losses
            print(json.dumps(line | {"elapsed_s": round(time.monotonic() - started)}), flush=True)
        if step % args.every == 0 or step == stage.steps:
            torch.save({"average": average, "stage": stage.name, "step": step}, args.checkpoint)
            judged.load_state_dict(average)
            result = judge(judged, held_out, threshold=0.3)
            print(json.dumps({"stage": stage.name, "step": step, "held_out": repr(result)}), flush=True)
    judged.load_state_dict(average)
    return judged.eval()


def searched(net: PlateNet, backgrounds: list[Frame], *, threshold: float) -> list[Frame]:
    """Return the backgrounds with every place that the network takes for a plate noted as unsure.

    What it takes for a plate with less than `threshold` becomes an example of what is none, which is how
    the second stage unlearns leaves and kerbs.
    """
    found = []
    for frame in backgrounds:
        height, width = frame.image.shape[:2]
        unsure = []
        for scale in (1.0, 2.0):
            size = (round(width * scale), round(height * scale))
            unsure.append(boxes_of(net, cv2.resize(frame.image, size), threshold=threshold)[:, :4] / scale)
        found.append(replace(frame, unsure=np.concatenate(unsure), is_searched=True))
    return found


def arguments() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with plates/ and roads/")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--checkpoint", type=Path, default=Path("plate_net.pt"))
    parser.add_argument("--learned", type=Path, metavar="CHECKPOINT", help="skip the first stage")
    parser.add_argument("--export-only", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts/truetype"))
    parser.add_argument("--steps", type=int, default=6000, help="of the first stage")
    parser.add_argument("--refine-steps", type=int, default=3500, help="of the second stage")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--refine-rate", type=float, default=1.5e-3)
    parser.add_argument("--every", type=int, default=500, help="steps between checkpoints")
    parser.add_argument("--loaders", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def restored(checkpoint: Path) -> PlateNet:
    """Return the averaged network of a checkpoint."""
    net = PlateNet()
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    return net.eval()


def learned_and_refined(frames: list[Frame], held_out: list[Frame], args: argparse.Namespace) -> PlateNet:
    """Return the network after both stages."""
    backgrounds = load_backgrounds(args.data / "roads")
    torch.manual_seed(args.seed)
    net = PlateNet()
    print(json.dumps({"parameters": sum(p.numel() for p in net.parameters())}), flush=True)
    if args.learned:
        net = restored(args.learned)
    else:
        maker = SampleMaker(frames, backgrounds, fonts=args.fonts)
        net = train(net, maker, held_out, args, Stage("learn", args.steps, args.rate))
    maker = SampleMaker(
        frames, searched(net, backgrounds, threshold=UNSURE_SCORE), fonts=args.fonts, min_contrast=MIN_CONTRAST
    )
    return train(net, maker, held_out, args, Stage("refine", args.refine_steps, args.refine_rate))


def main() -> int:
    """Train or export, judge on the held-out frames, print one JSON object last."""
    args = arguments()
    cv2.setNumThreads(1)
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(mode=True)
    frames, held_out = load_frames(args.data / "plates/romania")
    trained = args.export_only
    net = restored(trained) if trained else learned_and_refined(frames, held_out, args)
    export(net, args.out)
    figures = {
        f"{threshold:.2f}": {
            name: round(getattr(result, name), 4) for name in ("recall", "false_boxes_per_image", "painted_share")
        }
        for threshold in (0.2, 0.3, 0.4, 0.5)
        for result in [judge(net, held_out, threshold=threshold)]
    }
    print(json.dumps({"held_out_frames": len(held_out), "at_threshold": figures, "out": args.out.name}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
