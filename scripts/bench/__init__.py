"""One module per row of the table in docs/performance.md; scripts/bench.py runs them."""
