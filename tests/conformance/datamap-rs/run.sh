#!/usr/bin/env bash
# Runs datamap-rs's heuristics for OLMo 3 and our Gopher, C4 and FineWeb filters over the same files:
#   tests/conformance/datamap-rs/run.sh FILE.jsonl.zst...
# Prints MB of text per CPU-second of one thread, output written, and what each keeps. DATAMAP_RS is a
# folder with its sources; without it they are cloned. WANJUAN is a binary to use instead of building one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${DATAMAP_RS:-}" ]; then
  DATAMAP_RS="$work/datamap-rs"
  git clone -q https://github.com/allenai/datamap-rs "$DATAMAP_RS"
  git -C "$DATAMAP_RS" checkout -q 26292816d6a9ae67d84915941785a70393002007
fi
mkdir "$work/in"
for file in "$@"; do ln -s "$(realpath "$file")" "$work/in/"; done
target() { cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])'; }
cd "$DATAMAP_RS"
cargo build -q --release
peer=$(target)/release/datamap-rs
cd "$root"
if [ -z "${WANJUAN:-}" ]; then
  cargo build -q --profile bench --bin wanjuan
  WANJUAN=$(target)/release/wanjuan
fi
python3 "$here/judge.py" "$peer" "$WANJUAN" "$work"
