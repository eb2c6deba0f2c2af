from slipway.serve.metrics import Metrics


def test_counts_are_told_as_prometheus_reads_them():
    metrics = Metrics()
    metrics.request("/predict", 200, 0.0009)
    metrics.request("/predict", 200, 0.02)
    metrics.request("/predict", 422, 99.0)
    metrics.rows(3, answered=5, failed=1)
    text = metrics.text([("slipway_live_version", "gauge", "The version in use.", 3)])
    lines = text.splitlines()
    assert 'slipway_requests_total{route="/predict",status="200"} 2' in lines
    assert 'slipway_requests_total{route="/predict",status="422"} 1' in lines
    assert 'slipway_rows_total{version="3",outcome="answered"} 5' in lines
    assert 'slipway_rows_total{version="3",outcome="failed"} 1' in lines
    assert 'slipway_request_seconds_bucket{le="0.001"} 1' in lines
    assert 'slipway_request_seconds_bucket{le="0.025"} 2' in lines
    assert 'slipway_request_seconds_bucket{le="10"} 2' in lines
    assert 'slipway_request_seconds_bucket{le="+Inf"} 3' in lines
    assert "slipway_request_seconds_count 3" in lines
    assert "# TYPE slipway_live_version gauge" in lines
    assert "slipway_live_version 3" in lines


def test_a_gauge_keeps_every_digit():
    gauges = [("slipway_started_seconds", "gauge", "", 1795255112.25), ("slipway_release_refused", "gauge", "", True)]
    lines = Metrics().text(gauges).splitlines()
    assert "slipway_started_seconds 1795255112.25" in lines
    assert "slipway_release_refused 1" in lines


def test_a_path_cannot_break_out_of_its_label():
    metrics = Metrics()
    metrics.request('/a"\\\nb', 200, 0.1)
    assert 'route="/a\\"\\\\\\nb"' in metrics.text([])
