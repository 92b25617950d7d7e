#!/usr/bin/env bash
# Lets the trainers' own readers read what the quickstart wrote:
#   tests/conformance/trainers/run.sh
# megatron-core's IndexedDataset, InternEvo's JsonlDataset, and pyarrow. Exits 1 on a difference.
source "$(dirname "$0")/../common.sh"
if [ -z "${PYTHON:-}" ]; then
  packages numpy pyarrow==25.* tokenizers==0.21.*
  # Without their dependencies: torch is gigabytes, and the readers use its base class alone.
  "$PYTHON" -m pip -q install --no-deps megatron-core==0.16.1 InternEvo==0.5.2
fi
cd "$root"
if [ -z "${BINARY:-}" ]; then
  cargo build -q --bin wanjuan
  BINARY=$(target)/debug/wanjuan
fi
run() { "$BINARY" run pipelines/quickstart.toml --fresh --set "pipeline.output=$work/$1" --set "tokens.format=$2" --set "clean.row_group_mb=1" >/dev/null; }
run megatron megatron
run internevo internevo
"$PYTHON" "$here/judge.py" "$work" "$root/models/tokenizer/wanjuan-12k.json"
