#!/usr/bin/env bash
# Compares the profiles `dolma` of gopher_quality and gopher_repetition, or of pii, with Dolma's own taggers:
#   tests/conformance/dolma/run.sh LANGS FILE.jsonl.zst...
#   tests/conformance/dolma/run.sh pii FILE.jsonl.zst...
# LANGS selects rows by their `lang` (en,zh; or `all`). Exits 1 below 99.5 % agreement.
source "$(dirname "$0")/../common.sh"
langs=$1; shift
paths "$@"
packages zstandard
wheel dolma==1.2.1
if [ "$langs" = pii ]; then
  example wanjuan-filters rewrite
  "$PYTHON" "$here/pii.py" "$BINARY" "$PEER" "${files[@]}"
else
  example wanjuan-filters measure
  "$PYTHON" "$here/judge.py" "$BINARY" "$PEER" "$langs" "${files[@]}"
fi
