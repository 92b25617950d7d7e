#!/usr/bin/env bash
# Compares the profiles `dclm` of gopher_quality and gopher_repetition with DCLM's own filters:
#   tests/conformance/dclm/run.sh LANGS FILE.jsonl.zst...
# LANGS selects rows by their `lang` (en,zh; or `all`). Exits 1 below 99.5 % agreement. DCLM is cloned at
# the commit below; CHECKOUT names a clone that is there already, PYTHON an interpreter with the packages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${CHECKOUT:-}" ]; then
  CHECKOUT="$work/dclm"
  git clone -q --filter=blob:none https://github.com/mlfoundations/dclm "$CHECKOUT"
  git -C "$CHECKOUT" checkout -q c7ed275feacc8dc7c6244473b22aa86af109ef15
fi
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install uniseg==0.10.1 fasttext-wheel nltk zstandard
  PYTHON="$work/venv/bin/python"
fi
langs=$1; shift
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example measure
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/measure
"$PYTHON" "$here/judge.py" "$binary" "$CHECKOUT" "$langs" "${files[@]}"
