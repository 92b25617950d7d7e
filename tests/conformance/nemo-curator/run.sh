#!/usr/bin/env bash
# Compares the profiles `nemo-curator` of gopher_quality and gopher_repetition with NeMo Curator's own filters:
#   tests/conformance/nemo-curator/run.sh LANGS en|zh FILE.jsonl.zst...
# LANGS selects rows by their `lang` (en,zh; or `all`); the second word is the `lang` that the filters are
# told: `zh` cuts words with jieba. Exits 1 below 99.5 % agreement.
source "$(dirname "$0")/../common.sh"
langs=$1; lang=$2; shift 2
paths "$@"
packages zstandard regex loguru jieba==0.42.1
wheel nemo-curator==1.4.0
example wanjuan-filters measure
"$PYTHON" "$here/judge.py" "$BINARY" "$PEER" "$langs" "$lang" "${files[@]}"
