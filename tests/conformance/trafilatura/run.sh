#!/usr/bin/env bash
# Compares our main text of web pages with that of trafilatura, Resiliparse and readability-lxml:
#   tests/conformance/trafilatura/run.sh GOLD.jsonl.zst...
# GOLD holds rows {id, html, gold, source}; filters/benches/gold-cjk.jsonl.zst is one. Prints precision, recall and F1
# of each for every source, and the rate of each on one thread. Exits 1 where ours has the lower F1 over a file.
source "$(dirname "$0")/../common.sh"
paths "$@"
packages --upgrade pip trafilatura==2.0.0 resiliparse==2.0.1 readability-lxml==0.9 zstandard
example wanjuan-filters extract
"$PYTHON" "$here/judge.py" "$BINARY" "${files[@]}"
