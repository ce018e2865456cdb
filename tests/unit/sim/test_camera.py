import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashlight.sim.camera import NEAR_M, Camera, guarded, near_clipped, visible_span


def camera(heading_deg=0.0):
    return Camera(
        x=10.0, y=20.0, heading_deg=heading_deg, height_m=1.4, focal_px=800.0, center_u=640.0, horizon_v=350.0,
        width=1280, height=720,
    )  # fmt: skip


def test_what_is_straight_ahead_at_eye_height_is_at_the_principal_point():
    ahead = np.array([[10.0, 45.0, 1.4]])

    pixels = camera().pixels(camera().local(ahead))

    assert pixels[0] == pytest.approx((640.0, 350.0))


def test_what_is_to_the_right_and_low_is_right_and_below():
    east_of_it = np.array([[40.0, 10.0, 0.0]])

    u, v = camera(heading_deg=90.0).pixels(camera(heading_deg=90.0).local(east_of_it))[0]

    assert u == pytest.approx(640.0 + 800.0 * 10.0 / 30.0)
    assert v == pytest.approx(350.0 + 800.0 * 1.4 / 30.0)


def test_things_behind_are_not_seen():
    places = np.array([[10.0, 40.0], [10.0, 0.0], [200.0, 30.0]])

    assert camera().sees(places, radius_m=1.0, reach_m=100.0).tolist() == [True, False, False]


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(0, 10)), min_size=3, max_size=6))
def test_nothing_nearer_than_the_near_plane_is_left(corners):
    kept = near_clipped(np.array(corners))

    assert len(kept) == 0 or kept[:, 1].min() >= NEAR_M - 1e-9


def test_a_quad_that_goes_past_the_camera_keeps_its_far_part():
    quad = np.array([[3.0, -5.0, 2.0], [3.0, 15.0, 2.0], [3.0, 15.0, 0.0], [3.0, -5.0, 0.0]])

    span = visible_span(quad)

    assert span == pytest.approx(((NEAR_M + 5.0) / 20.0, 1.0))


@given(st.lists(st.tuples(st.floats(-1e7, 1e7), st.floats(-1e7, 1e7)), min_size=3, max_size=5))
def test_guarded_pixels_fit_a_fixed_point_painter(corners):
    kept = guarded(np.array(corners), 6000.0)

    assert len(kept) == 0 or np.abs(kept).max() <= 6000.0 + 1e-3
