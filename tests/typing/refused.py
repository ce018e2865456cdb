"""What both type checkers must refuse: should one of these lines pass, its `ignore` is unused, and the check fails.

Privacy is a type: what must not leave the machine does not fit into what leaves it.
"""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dashlight.model import PictureClaim, Policy, RawFrame, RedactedPicture
from dashlight.publication import FleetRules, HiddenPlace, PersonalRules, send_after, thinned
from dashlight.vision import Detectors, recheck, redact
from dashlight.wire import BundlePicture, encode_bundle


def raw_pixels_do_not_go_into_a_bundle(frame: RawFrame, claim: PictureClaim) -> BundlePicture:
    return BundlePicture(frame, claim, b"")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def raw_frames_are_no_bundle(frame: RawFrame, key: Ed25519PrivateKey) -> bytes:
    return encode_bundle([frame], key, policy=Policy.FLEET, license_id="CC0-1.0")  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


def a_redacted_picture_is_not_redacted_again(picture: RedactedPicture) -> RedactedPicture:
    return redact(picture, [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def a_redacted_picture_needs_its_seal() -> RedactedPicture:
    return RedactedPicture(b"", b"", 1, 1, 1, 1, ())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def a_redacted_picture_is_not_changed(picture: RedactedPicture) -> None:
    picture.jpeg = b""  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def a_raw_frame_has_no_way_out(frame: RawFrame) -> None:
    frame.save("x.jpg")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def a_second_look_is_at_encoded_pixels(frame: RawFrame, detectors: Detectors) -> None:
    recheck(frame.rgb, [], detectors)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def a_policy_is_no_word(key: Ed25519PrivateKey) -> bytes:
    return encode_bundle([], key, policy="fleet", license_id="CC0-1.0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def only_personal_is_delayed_and_thinned(ended_at: datetime, secret: bytes) -> None:
    send_after(ended_at, FleetRules(), secret, about="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    thinned([], FleetRules(), secret, taken=())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def rules_are_not_weakened_after_they_were_checked(rules: PersonalRules, place: HiddenPlace) -> None:
    rules.trim_m = 0.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    place.radius_m = 0.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
