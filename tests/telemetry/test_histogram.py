"""Durations by size: what falls where, and what is told of it."""

import pytest

from liveserver.infra.telemetry import Metrics, Number
from liveserver.kernel.histogram import Histogram

BOUNDS_S = (0.1, 1.0)


@pytest.mark.parametrize(
    ("took_s", "bucket"), [(0.0, 0), (0.1, 0), (0.100001, 1), (1.0, 1), (1.5, 2), (1e9, 2)]
)
def test_a_duration_belongs_to_the_first_bound_that_it_does_not_pass(took_s, bucket):
    histogram = Histogram(BOUNDS_S)
    histogram.add(took_s)
    assert [at for at, count in enumerate(histogram.counts) if count] == [bucket]
    assert histogram.sum_s == took_s


def test_prometheus_is_told_cumulative_buckets_sum_and_count():
    histogram = Histogram(BOUNDS_S)
    for took_s in (0.05, 0.5, 0.25, 3.0):
        histogram.add(took_s)
    metrics = Metrics()
    metrics.read(Number("liveserver_x_seconds", "histogram", "X."), lambda: histogram)
    samples = [line for line in metrics.render().decode().splitlines() if line.startswith("liveserver_x")]
    assert samples == [
        'liveserver_x_seconds_bucket{le="0.1"} 1.0',
        'liveserver_x_seconds_bucket{le="1.0"} 3.0',
        'liveserver_x_seconds_bucket{le="+Inf"} 4.0',
        "liveserver_x_seconds_count 4.0",
        "liveserver_x_seconds_sum 3.8",
    ]


def test_a_quantile_is_the_bound_it_lies_under():
    histogram = Histogram(BOUNDS_S)
    assert histogram.quantile_s(0.99) == 0.0
    for took_s in [0.05] * 98 + [0.5, 3.0]:
        histogram.add(took_s)
    assert [histogram.quantile_s(share) for share in (0.5, 0.99, 1.0)] == [0.1, 1.0, float("inf")]
