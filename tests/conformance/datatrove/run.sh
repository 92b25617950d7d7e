#!/usr/bin/env bash
# Compares our filters of Gopher, C4 and FineWeb with datatrove's own, document by document:
#   tests/conformance/datatrove/run.sh RULES LANGS FILE.jsonl.zst...
# RULES is `en` or `zh` (the filters' defaults, with the words of that language), or a profile of
# FineWeb-2 (`fineweb-2-cmn_Hani`, `fineweb-2-deu_Latn`, …). LANGS selects rows by their `lang`: one or
# more with commas, or `all`. Prints agreement, differences by kind, and the rate of both per CPU-second
# of one thread. Exits 1 below 99.5 % agreement. Japanese and Korean need sudachipy and kiwipiepy too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install datatrove==0.10.1 spacy==3.8.* nltk tldextract ftfy jieba regex zstandard pyyaml
  PYTHON="$work/venv/bin/python"
fi
rules=$1; langs=$2; shift 2
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example judge
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/judge
"$PYTHON" "$here/judge.py" "$binary" "$rules" "$langs" "${files[@]}"
