"""Several stretches with forests, with other libraries' detectors and with several windows."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd

RNG = np.random.default_rng(5)
HEALTHY, MOVED = RNG.normal(size=(3_000, 3)), RNG.normal(8.0, 1.0, size=(1_000, 3))
FRESH = RNG.normal(8.0, 1.0, size=(2_000, 3))


class Nearest:
    """A detector that keeps what it was given: minus the distance from its nearest mean."""

    def fit(self, features):
        self.seen = np.array(features)
        return self

    def score_samples(self, features):
        return -np.abs(np.asarray(features)[:, None, 0] - self.seen[None, ::50, 0]).min(axis=1)


def share_flagged(model):
    scores = fd.score(model, FRESH)
    return float(np.mean(scores[np.isfinite(scores)] > model.threshold))


@pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
@pytest.mark.parametrize("detector", ["mahalanobis", "isolation-forest"])
@pytest.mark.parametrize("window", [20, (10, 40)])
def test_what_the_second_stretch_holds_is_healthy_by_every_detector(detector, window):
    if detector == "isolation-forest":
        pytest.importorskip("sklearn")
    options = {"detector": detector, "window": window}
    before, after = fd.fit(HEALTHY, **options), fd.fit([HEALTHY, MOVED], **options)
    assert share_flagged(before) > 0.9
    assert share_flagged(after) < 0.15
    assert after.encode() == fd.fit((HEALTHY, np.asfortranarray(MOVED)), threads=2, **options).encode()
    assert [one.rows for one in after.history] == [3_000, 1_000]


@pytest.mark.filterwarnings("ignore::fastdrift.DriftWarning")
@pytest.mark.parametrize("detector", ["mahalanobis", "isolation-forest"])
@pytest.mark.parametrize("window", [20, (10, 40)])
def test_accept_asks_for_what_the_model_was_asked_for(detector, window):
    if detector == "isolation-forest":
        pytest.importorskip("sklearn")
    options = {"detector": detector, "window": window, "false_alarm_rate": 0.02}
    accepted = fd.accept(fd.fit(HEALTHY, **options), HEALTHY, MOVED, reason="release 2")
    fitted = fd.fit([HEALTHY, MOVED], **options)
    assert (accepted.detector, accepted.windows, accepted.threshold) == (
        fitted.detector,
        fitted.windows,
        fitted.threshold,
    )
    assert fd.score(accepted, FRESH).tobytes() == fd.score(fitted, FRESH).tobytes()


def test_a_detector_that_is_an_object_learns_from_the_windows_of_each_stretch_alone():
    model = fd.fit([HEALTHY, MOVED], window=20, detector=Nearest())
    means = np.asarray(model.estimator.seen)[:, 0]
    assert means.size == 3_000 - 19 + 1_000 - 19
    assert not ((means > 2) & (means < 6)).any()  # as those of windows that reach over the gap would be
    assert share_flagged(model) < 0.15


def test_windows_too_long_for_the_stretches_together_are_left_out_and_a_short_stretch_is_an_error():
    with pytest.warns(fd.DriftWarning, match="windows longer than an eighth"):
        model = fd.fit([HEALTHY[:500], MOVED[:200]], window=(10, 100))
    assert model.windows == (10,)
    with pytest.raises(fd.DataError, match="stretch 2: 30 rows hold no window of 40"):
        fd.fit([HEALTHY, MOVED[:30]], window=(10, 40))
