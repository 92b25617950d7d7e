#!/usr/bin/env bash
# Runs datamap-rs's heuristics for OLMo 3 and our Gopher, C4 and FineWeb filters over the same files:
#   tests/conformance/datamap-rs/run.sh FILE.jsonl.zst...
# Prints how many verdicts are equal where the settings mean the same, MB of text per CPU-second of one thread,
# output written, and what each keeps. Both are release builds, each by its own settings; BINARY is `wanjuan`.
# COPIES=N reads every file N times, so that a small corpus does not measure how programs start. DIFFER=FILE takes
# documents with other verdicts; GOLDEN=FOLDER FIRST=N writes datamap-rs's verdicts on the first N documents, and does no more.
source "$(dirname "$0")/../common.sh"
paths "$@"
sources allenai/datamap-rs 26292816d6a9ae67d84915941785a70393002007
mkdir "$work/in"
for copy in $(seq "${COPIES:-1}"); do
  for file in "${files[@]}"; do install -m 644 "$file" "$work/in/$copy-$(basename "$file")"; done
done
cd "$PEER"
cargo build -q --release
peer=$(target)/release/datamap-rs
if [ -z "${BINARY:-}" ]; then
  cd "$root"
  cargo build -q --release --bin wanjuan
  BINARY=$(target)/release/wanjuan
fi
python3 "$here/judge.py" "$peer" "$BINARY" "$work"
