"""Measures what the design promises: `make bench`. How, and what was found: docs/performance.md."""
