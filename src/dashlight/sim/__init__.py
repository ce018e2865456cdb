"""A city that drives: tracks, rendered recordings with ground truth, and telemetry as cameras write it.

For the demo, the tests and the benchmarks; nothing in `edge` or the server knows of it.
"""
