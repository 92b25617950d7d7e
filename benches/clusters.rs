//! Clusters of millions of documents: `cargo bench --bench clusters -- [MILLIONS]...`, else 1 and 4.
//!
//! The bands of generated signatures (14 a document; two documents in five are copies of an earlier one, and
//! agree with it in three bands of five) go through the shuffle and the union that `minhash` uses: records are
//! sorted into a file for each million documents, merged by ranges of keys, linked, and labelled. On two
//! threads, in the memory that is said, with all files on disk.

mod kit;

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use wanjuan::engine::shuffle::{Order, Record, Run, Sorter, merge_all, partition};
use wanjuan_dedup::clusters::Clusters;
use wanjuan_filters::kit::Origin;

use crate::kit::{THREADS, cpu, each, mix, peak, size_of_folder};

const BANDS: u64 = 14;
const SPLIT: u64 = 1_000_000;
const PARTS: u64 = 64;
/// Bytes for one sorter, and for the union.
const SORTER: usize = 256 << 20;
const UNION: u64 = 1 << 30;

fn main() {
    let millions: Vec<u64> = std::env::args().skip(1).filter_map(|one| one.parse().ok()).collect();
    println!("documents   sort s  merge s  label s  CPU s   peak MiB  disk GB  in clusters");
    for millions in if millions.is_empty() { vec![1, 4] } else { millions } {
        measure(millions * SPLIT);
    }
}

fn measure(documents: u64) {
    let folder = tempfile::tempdir().expect("a folder for the bench");
    // What was the peak before is forgotten.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let cpu = cpu();
    let started = Instant::now();
    let splits = documents.div_ceil(SPLIT);
    each(splits, |split| {
        let mut sorter = Sorter::create(&folder.path().join(format!("split{split}")), SORTER, false);
        for ordinal in 0..SPLIT.min(documents - split * SPLIT) {
            let origin = Origin { split: 0, ordinal };
            for band in 0..BANDS {
                let key = u128::from(band_key(split * SPLIT + ordinal, band)) << 64;
                sorter.push(Record { key, value: &[], origin }).expect("room");
            }
        }
        sorter.finish().expect("room");
    });
    let sorted = started.elapsed().as_secs_f64();
    let runs: Vec<(Option<u32>, Run)> = (0..splits)
        .map(|split| (Some(split as u32), Run::open(&folder.path().join(format!("split{split}"))).expect("a run")))
        .collect();
    let disk = AtomicU64::new(size_of_folder(folder.path()));
    let scratch = folder.path().join("union");
    fs::create_dir(&scratch).expect("room");
    let clusters = Clusters::new(documents, UNION, &scratch, THREADS as usize);
    each(PARTS, |part| {
        let folder = folder.path().join(format!("merge{part}"));
        fs::create_dir(&folder).expect("room");
        let mut merge = merge_all(runs.clone(), partition(part, PARTS), &folder, Order::Plain).expect("sound runs");
        disk.fetch_max(size_of_folder(folder.parent().expect("it has one")), Ordering::Relaxed);
        let mut first = None;
        while let Some(record) = merge.peek() {
            let node = u64::from(record.origin.split) * SPLIT + record.origin.ordinal;
            match first {
                Some((key, first)) if key == record.key => clusters.link(first, node).expect("room"),
                _ => first = Some((record.key, node)),
            }
            merge.advance().expect("sound runs");
        }
        fs::remove_dir_all(folder).expect("it is there");
    });
    let merged = started.elapsed().as_secs_f64();
    let mut labelled = 0_u64;
    clusters
        .label(|_, _| {
            labelled += 1;
            Ok(())
        })
        .expect("room");
    let whole = started.elapsed().as_secs_f64();
    println!(
        "{documents:>9}  {sorted:>7.1}  {:>7.1}  {:>7.1}  {:>5.0}  {:>9}  {:>7.2}  {labelled:>11}",
        merged - sorted,
        whole - merged,
        self::cpu() - cpu,
        peak() >> 20,
        disk.into_inner() as f64 / 1e9,
    );
}

/// The key of a band: that of an earlier document, where this is a copy of it and agrees in the band.
fn band_key(mut document: u64, band: u64) -> u64 {
    while document > 0 && mix(document) % 5 < 2 && mix(document ^ (band + 1) << 48) % 5 < 3 {
        document = mix(document ^ 0x5bd1) % document;
    }
    mix(document.wrapping_mul(BANDS) + band + (1 << 60))
}
