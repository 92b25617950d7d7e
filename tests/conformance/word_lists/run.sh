#!/usr/bin/env bash
# How well lists of words tell toxic texts: tests/conformance/word_lists/run.sh LABELLED.jsonl.zst LIST...
# The rows have `text` and `label` (`toxic` or not); a LIST is a name that comes along, or a path.
source "$(dirname "$0")/../common.sh"
paths "$1"; shift
packages zstandard
example wanjuan-filters words
"$PYTHON" "$here/judge.py" "$BINARY" "${files[@]}" "$@"
