#!/usr/bin/env bash
# Compares our FineWeb filters with datatrove's own, document by document:
#   tests/conformance/datatrove/run.sh LANG FILE.jsonl.zst...
# LANG selects rows by their `lang`. Prints agreement, differences by kind, and the rate of both on
# one thread. Exits 1 below 99.5 % agreement.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install datatrove==0.10.1 spacy==3.8.* nltk tldextract ftfy jieba regex zstandard
  PYTHON="$work/venv/bin/python"
fi
lang=$1; shift
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example judge
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/judge
"$PYTHON" "$here/judge.py" "$binary" "$lang" "${files[@]}"
