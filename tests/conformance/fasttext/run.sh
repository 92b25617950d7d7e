#!/usr/bin/env bash
# Compares our fastText reader with the C++ library on every line of a corpus:
#   tests/conformance/fasttext/run.sh MODEL FILE.jsonl.zst...
# Prints agreement and the documents per second of both, on one thread each. Exits 1 on a difference.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install fasttext-predict==0.9.2.4 numpy zstandard
model=$(realpath "$1"); shift
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-models --example fasttext_predict
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/fasttext_predict
"$work/venv/bin/python" "$here/judge.py" "$binary" "$model" "${files[@]}"
