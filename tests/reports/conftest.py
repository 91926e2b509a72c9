"""A model, and rows that have drifted, lack data and are left out in places."""

from __future__ import annotations

import numpy as np
import pytest

import fastdrift as fd

from .chromium import Chromium, find

N_HEALTHY = 12_000
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="session")
def healthy():
    """Return 16,000 healthy rows of four columns, one of them called by a script."""
    frame = fd.generate(16_000, columns=4, seed=3, drifts=()).frame
    return frame.rename(columns={frame.columns[0]: EVIL})


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    browser = Chromium(find(), tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def model(healthy):
    return fd.fit(healthy[:N_HEALTHY])


@pytest.fixture(scope="session")
def quiet(healthy):
    """Return 2,500 later rows with nothing wrong."""
    return healthy[13_500:]


@pytest.fixture(scope="session")
def rows(healthy):
    """Return 3,000 later rows: 600 to 700 are off by 5 spreads, column 1 is missing in 1,200 to 1,400, hours after."""
    frame = healthy[N_HEALTHY : N_HEALTHY + 3_000].copy()
    frame.iloc[600:700, 0] += 5 * frame.iloc[:, 0].std()
    frame.iloc[1_200:1_400, 1] = np.nan
    return frame.drop(index=frame.index[2_000:2_300])


@pytest.fixture(scope="session")
def labels(rows):
    labels = np.zeros(len(rows), bool)
    labels[600:700] = labels[1_200:1_400] = True
    return labels


@pytest.fixture(scope="session")
def many(healthy):
    """Return 200,000 rows in which hundreds of events lie."""
    rng = np.random.default_rng(1)
    frame = fd.generate(200_000, columns=4, seed=3, drifts=()).frame
    frame = frame.rename(columns={frame.columns[0]: EVIL})
    spread = frame.iloc[:N_HEALTHY].std().to_numpy()
    values = frame.to_numpy(copy=True)
    for first in range(N_HEALTHY, len(frame) - 60, 300):
        values[first : first + 40] += rng.uniform(0.5, 4.0) * spread
    return frame.__class__(values, index=frame.index, columns=frame.columns)
