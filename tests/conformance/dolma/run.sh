#!/usr/bin/env bash
# Compares the profiles `dolma` of gopher_quality and gopher_repetition with Dolma's own tagger:
#   tests/conformance/dolma/run.sh LANGS FILE.jsonl.zst...
# LANGS selects rows by their `lang` (en,zh; or `all`). Exits 1 below 99.5 % agreement.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install zstandard
# The tagger's file is all that is asked for; what the package depends on is large.
"$work/venv/bin/pip" -q install --no-deps --target "$work/dolma" dolma==1.2.1
langs=$1; shift
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example measure
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/measure
"$work/venv/bin/python" "$here/judge.py" "$binary" "$work/dolma" "$langs" "${files[@]}"
