#!/usr/bin/env bash
# Compares our `redpajama_signals` with RedPajama-V2's own functions, signal by signal:
#   tests/conformance/redpajama/run.sh FILE.jsonl.zst...
# Prints agreement and the rate of both on one thread. Exits 1 below 99.5 % of equal signals (to 1e-8).
source "$(dirname "$0")/../common.sh"
paths "$@"
packages nltk==3.10.4 numpy msgspec typing_extensions zstandard
sources togethercomputer/RedPajama-Data 855a8e02626e1f3a6768cbea4d71a24bbba17127
example wanjuan-filters redpajama
PYTHONPATH="$PEER/app/src" "$PYTHON" "$here/judge.py" "$BINARY" "${files[@]}"
