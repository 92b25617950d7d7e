#!/usr/bin/env bash
# Compares our fastText reader with the C++ library on every line of a corpus:
#   tests/conformance/fasttext/run.sh MODEL FILE.jsonl.zst...
# Prints agreement and the documents per second of both, on one thread each. Exits 1 on a difference.
source "$(dirname "$0")/../common.sh"
paths "$@"
packages fasttext-predict==0.9.2.4 numpy zstandard
example wanjuan-models fasttext_predict
"$PYTHON" "$here/judge.py" "$BINARY" "${files[@]}"
