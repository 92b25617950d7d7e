#!/usr/bin/env bash
# Lets the trainers' own readers read what the quickstart wrote:
#   tests/conformance/trainers/run.sh
# megatron-core's IndexedDataset, InternEvo's JsonlDataset, and pyarrow. Exits 1 on a difference.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install numpy pyarrow==25.* tokenizers==0.21.* 2>/dev/null || "$work/venv/bin/pip" -q install numpy pyarrow tokenizers
# Without their dependencies: torch is gigabytes, and the readers use its base class alone.
"$work/venv/bin/pip" -q install --no-deps megatron-core==0.16.1 InternEvo==0.5.2
cd "$root"
cargo build -q
run() { cargo run -q -- run pipelines/quickstart.toml --fresh --set "pipeline.output=$work/$1" --set "tokens.format=$2" --set "clean.row_group_mb=1" >/dev/null; }
run megatron megatron
run internevo internevo
"$work/venv/bin/python" "$here/judge.py" "$work" "$root/models/tokenizer/wanjuan-12k.json"
