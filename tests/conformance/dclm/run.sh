#!/usr/bin/env bash
# Compares the profiles `dclm` of gopher_quality and gopher_repetition with DCLM's own filters:
#   tests/conformance/dclm/run.sh LANGS FILE.jsonl.zst...
# LANGS selects rows by their `lang` (en,zh; or `all`). SECONDS_EACH sets texts aside on which the original
# takes longer. Exits 1 below 99.5 % agreement.
source "$(dirname "$0")/../common.sh"
langs=$1; shift
paths "$@"
packages uniseg==0.10.1 fasttext-wheel nltk zstandard
sources mlfoundations/dclm c7ed275feacc8dc7c6244473b22aa86af109ef15
example wanjuan-filters measure
"$PYTHON" "$here/judge.py" "$BINARY" "$PEER" "$langs" "${files[@]}"
