#!/usr/bin/env bash
# How well lists of words tell toxic texts: tests/conformance/word_lists/run.sh LABELLED.jsonl.zst LIST...
# The rows have `text` and `label` (`toxic` or not); a LIST is a name that comes along, or a path.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install zstandard
  PYTHON="$work/venv/bin/python"
fi
labelled=$(realpath "$1"); shift
cd "$root"
cargo build -q --profile bench -p wanjuan-filters --example words
binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/words
"$PYTHON" "$here/judge.py" "$binary" "$labelled" "$@"
