#!/usr/bin/env bash
# Compares the profiles `nemo-curator` of gopher_quality and gopher_repetition with NeMo Curator's own filters:
#   tests/conformance/nemo-curator/run.sh LANGS en|zh FILE.jsonl.zst...
# LANGS selects rows by their `lang` (en,zh; or `all`); the second word is the `lang` that the filters are
# told: `zh` cuts words with jieba. Exits 1 below 99.5 % agreement.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install zstandard regex loguru jieba==0.42.1
# The filters' files are all that is asked for; what the package depends on is large.
"$work/venv/bin/pip" -q install --no-deps --target "$work/nemo" nemo-curator==1.4.0
langs=$1; lang=$2; shift 2
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example measure
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/measure
"$work/venv/bin/python" "$here/judge.py" "$binary" "$work/nemo" "$langs" "$lang" "${files[@]}"
