#!/usr/bin/env bash
# Compares our `dingo` with dingo's own rules of the group `pretrain`, rule by rule:
#   tests/conformance/dingo/run.sh FILE.jsonl.zst...
# Prints agreement by rule, differences, and the rate of both on one thread. Exits 1 below 99.5 % of
# documents with the same verdict. NLTK's English model is that of llama-index-core, which carries it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install --no-deps dingo-python==2.5.0
  "$work/venv/bin/pip" -q install nltk==3.10.4 zhon==2.1.1 numpy pydantic Pillow zstandard
  "$work/venv/bin/pip" -q download --no-deps -d "$work" llama-index-core==0.14.25
  PYTHON="$work/venv/bin/python"
  (cd "$work" && python3 -m zipfile -e llama_index_core-*.whl wheel)
  export NLTK_DATA="$work/wheel/llama_index/core/_static/nltk_cache"
fi
files=("$@"); for i in "${!files[@]}"; do files[i]=$(realpath "${files[i]}"); done
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example dingo
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/dingo
"$PYTHON" "$here/judge.py" "$binary" "${files[@]}"
