#!/usr/bin/env bash
# Compares our `dingo` with dingo's own rules of the group `pretrain`, rule by rule:
#   tests/conformance/dingo/run.sh FILE.jsonl.zst...
# Prints agreement by rule, differences, and the rate of both on one thread. Exits 1 below 99.5 % of
# documents with the same verdict. NLTK's English model is that of llama-index-core, which carries it; with
# PYTHON given, NLTK_DATA says where it is.
source "$(dirname "$0")/../common.sh"
paths "$@"
if [ -z "${PYTHON:-}" ]; then
  packages nltk==3.10.4 zhon==2.1.1 numpy pydantic Pillow zstandard
  "$PYTHON" -m pip -q install --no-deps dingo-python==2.5.0
  "$PYTHON" -m pip -q download --no-deps -d "$work" llama-index-core==0.14.25
  (cd "$work" && python3 -m zipfile -e llama_index_core-*.whl wheel)
  export NLTK_DATA="$work/wheel/llama_index/core/_static/nltk_cache"
fi
example wanjuan-filters dingo
"$PYTHON" "$here/judge.py" "$BINARY" "${files[@]}"
