//! What benches of the engine share: generated keys, threads, and what a process took.

#![allow(dead_code)] // no bench uses all of it

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Threads that jobs run on.
pub const THREADS: u64 = 2;

/// A number that looks like chance, another for each number.
pub fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// Runs jobs on [`THREADS`] threads.
pub fn each(jobs: u64, run: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    if job >= jobs {
                        return;
                    }
                    run(job);
                }
            });
        }
    });
}

/// Bytes of all files below a folder.
pub fn size_of_folder(folder: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).filter(|file| file.is_file()).map(|file| file.len()).sum()
}

/// The most memory the process has held since it was last forgotten, in bytes.
pub fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells of each process");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") << 10
}

/// CPU-seconds of this process.
pub fn cpu() -> f64 {
    cpu_of(11)
}

/// CPU-seconds of all processes that were waited for.
pub fn cpu_of_children() -> f64 {
    cpu_of(13)
}

/// Two numbers of `/proc/self/stat` behind the process's name, in seconds.
fn cpu_of(from: usize) -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells of each process");
    let after_name = &stat[stat.rfind(')').expect("a name in brackets") + 2..];
    let ticks: Vec<f64> = after_name.split(' ').skip(from).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    ticks.iter().sum::<f64>() / 100.0
}
