"""Benchmarks that the command line and the tab share: shapes, measurements, reports."""
