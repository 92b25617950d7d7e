#!/usr/bin/env bash
# Compares our `redpajama_signals` with RedPajama-V2's own functions, signal by signal:
#   tests/conformance/redpajama/run.sh FILE.jsonl.zst...
# Prints agreement and the rate of both on one thread. Exits 1 below 99.5 % of equal signals (to 1e-8).
# PEER is a checkout of togethercomputer/RedPajama-Data; without it one is fetched.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install nltk==3.10.4 numpy msgspec typing_extensions zstandard
  PYTHON="$work/venv/bin/python"
fi
if [ -z "${PEER:-}" ]; then
  PEER="$work/peer"
  git clone -q https://github.com/togethercomputer/RedPajama-Data "$PEER"
  git -C "$PEER" checkout -q 855a8e02626e1f3a6768cbea4d71a24bbba17127
fi
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example redpajama
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/redpajama
PYTHONPATH="$PEER/app/src" "$PYTHON" "$here/judge.py" "$binary" "${files[@]}"
