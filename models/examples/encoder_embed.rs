//! Embeds the first 512 tokens of texts on one thread, prints useful tokens per CPU-second, and writes the embeddings as
//! `f32`: `encoder_embed FOLDER DOCUMENTS.jsonl.zst TEXTS OUT [f32|int8]`

use std::io::BufRead;

use wanjuan_models::encoder::{Encoder, Found, Precision, Scratch, batches};

/// Time this thread has had a processor, as Linux tells.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    stat.split(' ').next().and_then(|time| time.parse::<f64>().ok()).expect("nanoseconds") / 1e9
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, documents, texts, out, precision) = match &arguments[..] {
        [folder, documents, texts, out] => (folder, documents, texts, out, Precision::F32),
        [folder, documents, texts, out, name] if name == "f32" => (folder, documents, texts, out, Precision::F32),
        [folder, documents, texts, out, name] if name == "int8" => (folder, documents, texts, out, Precision::Int8),
        _ => return Err("encoder_embed FOLDER DOCUMENTS.jsonl.zst TEXTS OUT [f32|int8]".into()),
    };
    let encoder = Encoder::load_as(folder.as_ref(), &Found::Cpu, precision)?;
    let lines = std::io::BufReader::new(zstd::Decoder::new(std::fs::File::open(documents)?)?).lines();
    let rows = lines.take(texts.parse()?).map(|line| Ok(serde_json::from_str::<serde_json::Value>(&line?)?));
    let rows: Vec<serde_json::Value> = rows.collect::<Result<_, Box<dyn std::error::Error>>>()?;
    let started = cpu_seconds();
    let mut windows = Vec::new();
    for row in &rows {
        let text = row["text"].as_str().ok_or("a row without a text")?;
        encoder.tokens().windows(text, encoder.shape().tokens, 1, |ids| windows.push(ids.to_vec()))?;
    }
    let lengths: Vec<usize> = windows.iter().map(Vec::len).collect();
    let tokens: usize = lengths.iter().sum();
    let rate = |since: f64| tokens as f64 / (cpu_seconds() - since);
    println!("{} texts of {tokens} tokens, made at {:.0} tokens/CPU-s", windows.len(), rate(started));
    let (mut scratch, mut all) = (Scratch::default(), vec![Vec::new(); windows.len()]);
    let started = cpu_seconds();
    for batch in batches(&lengths, encoder.batch_tokens(), false) {
        let texts: Vec<&[u32]> = batch.iter().map(|&at| &windows[at][..]).collect();
        let mut vectors = Vec::new();
        encoder.embed(&texts, &mut scratch, &mut vectors)?;
        for (&at, vector) in batch.iter().zip(vectors.chunks(encoder.shape().hidden)) {
            all[at] = vector.to_vec();
        }
    }
    println!("ours, {precision:?}, no padding: {:.0} tokens/CPU-s", rate(started));
    let bytes: Vec<u8> = all.concat().into_iter().flat_map(f32::to_le_bytes).collect();
    Ok(std::fs::write(out, bytes)?)
}
