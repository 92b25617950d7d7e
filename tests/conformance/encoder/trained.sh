#!/usr/bin/env bash
# Trains all weights of small BERT, RoBERTa and ModernBERT shapes, of one of them from nothing and of one for numbers, and
# has transformers load each folder with its own class and score the same texts:
#   tests/conformance/encoder/trained.sh LABELLED.jsonl.zst
# Exits 1 where a tensor is missing or left over, or a score is more than 1e-4 off.
source "$(dirname "$0")/../common.sh"
paths "$@"
packages transformers torch tokenizers numpy
if [ -z "${BINARY:-}" ]; then
  cd "$root"
  cargo build -q --profile bench --bin wanjuan
  BINARY=$(target)/release/wanjuan
fi
golden="$root/models/encoder/golden"
zstd -dcf "${files[0]}" | awk -v learned="$work/learned.jsonl" -v scored="$work/scored.jsonl" \
  'NR % 2 { print > learned } NR % 2 == 0 { print > scored }'
train() {
  "$BINARY" train-scorer --kind encoder --weights all --out "$work/models" --device cpu --epochs 1 --rate 1e-3 --max-tokens 64 \
    --pool "$work/scored.jsonl" --ask 1000000 --held-out 0.1 "$@" >"$work/told" 2>&1 || { cat "$work/told"; exit 1; }
}
for name in bert roberta modernbert; do train --name "$name" --model "$golden/$name" "$work/learned.jsonl"; done
mkdir "$work/nothing"
cp "$golden"/roberta/{config,tokenizer}.json "$work/nothing"
train --name nothing --model "$work/nothing" "$work/learned.jsonl"
# Numbers in the place of labels: how long they are.
"$PYTHON" -c 'import json, sys
for line in sys.stdin:
    row = json.loads(line); print(json.dumps({"text": row["text"], "label": len(row["label"])}))' \
  <"$work/learned.jsonl" >"$work/numbers.jsonl"
train --name numbers --model "$golden/bert" --number "$work/numbers.jsonl"
"$PYTHON" "$here/trained.py" "$work/models"/{bert,roberta,modernbert,nothing,numbers}
