"""Numbers about predictions: scores, intervals, paired tests, calibration and thresholds."""
