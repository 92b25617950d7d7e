#!/usr/bin/env bash
# Compares our main text of web pages with that of trafilatura, Resiliparse and readability-lxml:
#   tests/conformance/trafilatura/run.sh GOLD.jsonl.zst...
# GOLD holds rows {id, html, gold, source}; filters/benches/gold-cjk.jsonl.zst is one. Prints precision, recall and F1
# of each for every source, and the rate of each on one thread. Exits 1 where ours has the lower F1 over a file.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install --upgrade pip
  "$work/venv/bin/pip" -q install trafilatura==2.0.0 resiliparse==2.0.1 readability-lxml==0.9 zstandard
  PYTHON="$work/venv/bin/python"
fi
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example extract
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/extract
"$PYTHON" "$here/judge.py" "$binary" "${files[@]}"
