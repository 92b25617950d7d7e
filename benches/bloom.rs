//! Exact keys beside a Bloom filter: `cargo bench --bench bloom -- [MILLIONS]...`, else 4 and 32.
//!
//! Generated keys as `duplicate_spans` has them, 20 a document and two in five of them said before, go through
//! what lies between the two halves of the stage: exact, files sorted by key and merged by ranges of keys, whose
//! decisions are sorted by document; and through a filter, files as they come and then read in order. On two
//! threads, with all files on disk; keys of a split take the sorter of a run with 2 GiB.

mod kit;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use wanjuan::engine::shuffle::{Keyed, Order, Record, Run, Sorter, address, merge_all, partition};
use wanjuan_dedup::bloom::{Bloom, Shape};
use wanjuan_filters::kit::Origin;

use crate::kit::{THREADS, cpu, each, mix, peak, size_of_folder};

const SPLIT: u64 = 4_000_000;
const SPANS: u64 = 20;
const PARTS: u64 = 4;
const SORTER: usize = 128 << 20;

fn main() {
    let millions: Vec<u64> = std::env::args().skip(1).filter_map(|one| one.parse().ok()).collect();
    println!("what              keys  write s  decide s  CPU s  peak MiB  keys GB  most GB  said before");
    for millions in if millions.is_empty() { vec![4, 32] } else { millions } {
        measure("exact", millions * 1_000_000, None);
        for rate in [1e-3, 1e-4, 1e-6] {
            let shape = Shape::of(millions as f64 * 1e6, rate);
            measure(&format!("filter, {rate}"), millions * 1_000_000, Some(shape));
        }
    }
}

fn measure(what: &str, keys: u64, shape: Option<Shape>) {
    let folder = tempfile::tempdir().expect("a folder for the bench");
    let _ = fs::write("/proc/self/clear_refs", "5"); // what was the peak before is forgotten
    let (cpu, started) = (cpu(), Instant::now());
    let splits = keys.div_ceil(SPLIT);
    let disk = AtomicU64::new(0);
    let grown = || disk.fetch_max(size_of_folder(folder.path()), Ordering::Relaxed);
    each(splits, |split| {
        let path = folder.path().join(format!("split{split}"));
        let mut keyed = match shape {
            None => Keyed::sorted(&path, SORTER),
            Some(_) => Keyed::in_order(&path).expect("room"),
        };
        for number in split * SPLIT..keys.min((split + 1) * SPLIT) {
            let key = key(number);
            let key = u128::from(key) << 64 | u128::from(mix(key));
            let origin = Origin { split: 0, ordinal: number % SPLIT / SPANS };
            keyed.push(Record { key, value: &[(number % SPANS) as u8], origin }).expect("room");
        }
        grown();
        keyed.finish().expect("room");
    });
    let written = started.elapsed().as_secs_f64();
    let stored = size_of_folder(folder.path());
    let runs: Vec<(Option<u32>, Run)> = (0..splits)
        .map(|split| (Some(split as u32), Run::open(&folder.path().join(format!("split{split}"))).expect("a run")))
        .collect();
    let again = match shape {
        None => exact(&runs, folder.path(), &grown),
        Some(shape) => filter(&runs, shape),
    };
    grown();
    println!(
        "{what:<14}{keys:>8}  {written:>7.1}  {:>8.1}  {:>5.0}  {:>8}  {:>7.2}  {:>7.2}  {again:>11}",
        started.elapsed().as_secs_f64() - written,
        self::cpu() - cpu,
        peak() >> 20,
        stored as f64 / 1e9,
        disk.into_inner() as f64 / 1e9,
    );
}

fn exact(runs: &[(Option<u32>, Run)], folder: &Path, grown: &(dyn Fn() -> u64 + Sync)) -> u64 {
    let again = AtomicU64::new(0);
    each(PARTS, |part| {
        let folder = folder.join(format!("merge{part}"));
        fs::create_dir(&folder).expect("room");
        let mut decisions = Sorter::create(&folder.join("decisions"), SORTER, true);
        let mut merge = merge_all(runs.to_vec(), partition(part, PARTS), &folder, Order::Plain).expect("sound runs");
        let mut first: Option<(u128, (Origin, u8))> = None;
        while let Some(record) = merge.peek() {
            let this = (record.origin, record.value[0]);
            first = match first {
                Some((key, before)) if key == record.key => {
                    let (origin, number) = before.max(this);
                    let record = Record { key: address(origin), value: &[0, number], origin: Origin::default() };
                    decisions.push(record).expect("room");
                    again.fetch_add(1, Ordering::Relaxed);
                    Some((key, before.min(this)))
                }
                _ => Some((record.key, this)),
            };
            merge.advance().expect("sound runs");
        }
        grown();
        decisions.finish().expect("room");
    });
    again.into_inner()
}

fn filter(runs: &[(Option<u32>, Run)], shape: Shape) -> u64 {
    let mut bloom = Bloom::new(shape);
    let mut keys = Vec::with_capacity(1 << 18);
    let mut again = 0;
    for (_, run) in runs {
        let mut cursor = run.range(0..=u128::MAX).expect("a sound run");
        while let Some(record) = cursor.record() {
            keys.push((record.key >> 64) as u64);
            if keys.len() == 1 << 18 {
                again += bloom.seen(&keys, THREADS as usize).len();
                keys.clear();
            }
            cursor.advance().expect("a sound run");
        }
    }
    (again + bloom.seen(&keys, THREADS as usize).len()) as u64
}

/// The key of a span: that of an earlier one, where it says the same.
fn key(mut number: u64) -> u64 {
    while number > 0 && mix(number) % 5 < 2 {
        number = mix(number ^ 0x5bd1) % number;
    }
    mix(number + (1 << 60))
}
