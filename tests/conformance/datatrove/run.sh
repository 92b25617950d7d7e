#!/usr/bin/env bash
# Compares our filters of Gopher, C4 and FineWeb with datatrove's own, document by document:
#   tests/conformance/datatrove/run.sh RULES LANGS FILE.jsonl.zst...
# RULES is `en` or `zh` (the filters' defaults, with the words of that language), or a profile of
# FineWeb-2 (`fineweb-2-cmn_Hani`, `fineweb-2-deu_Latn`, …). LANGS selects rows by their `lang`: one or
# more with commas, or `all`. Prints agreement, differences by kind, and the rate of both per CPU-second
# of one thread. Exits 1 below 99.5 % agreement.
source "$(dirname "$0")/../common.sh"
rules=$1; langs=$2; shift 2
paths "$@"
# kiwipiepy 0.20 is the last line whose models have the kind that datatrove asks for.
packages datatrove==0.10.1 spacy==3.8.* nltk tldextract ftfy jieba regex zstandard pyyaml sudachipy==0.7.0 sudachidict_core==20261015 kiwipiepy==0.20.4
example wanjuan-filters judge
"$PYTHON" "$here/judge.py" "$BINARY" "$rules" "$langs" "${files[@]}"
