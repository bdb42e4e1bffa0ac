"""Numbers about predictions: metrics, intervals, paired tests, calibration and thresholds."""
