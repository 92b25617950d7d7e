//! Five million domains: how long they take to load, how much memory, and how long a look-up takes.
//! `cargo bench -p wanjuan-filters --bench url`, or `-- LIST [URLS]` for lists of your own.
//!
//! Without a list, synthetic domains are written to a temporary file first: no two alike, of two to
//! four labels. Hosts to look up are every 50th domain of the list, a host below it, and misses; with
//! URLS, a file with one a line, also those. Memory is that of the
//! whole process, before and after, and at its peak; times are those of the processor, which other work on
//! the machine does not count in.

use std::hint::black_box;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use url::Host;
use wanjuan_filters::url_lists::address::{Address, read_host};
use wanjuan_filters::url_lists::lists::Domains;

const DOMAINS: u64 = 5_000_000;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let made = std::env::temp_dir().join(format!("wanjuan-bench-domains-{}", std::process::id()));
    let list = given.first().map_or_else(|| made.clone(), PathBuf::from);
    if given.is_empty() {
        write_domains(&made).expect("room for 100 MB in the temporary folder");
    }
    let (before, _) = memory();
    let started = cpu_nanos();
    let (domains, tally) = Domains::read(std::slice::from_ref(&list)).expect("the list can be read");
    let took = cpu_nanos() - started;
    let (after, peak) = memory();
    println!(
        "load: {} lines, {} bad, {} domains in {:.2} s; resident {:.0} MB before, {:.0} MB after, {:.0} MB at the peak",
        tally.lines,
        tally.bad.count,
        domains.len(),
        took / 1e9,
        before / 1e6,
        after / 1e6,
        peak / 1e6
    );
    let (mut listed, mut below, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for line in BufReader::new(std::fs::File::open(&list).expect("it was read before")).lines().step_by(50) {
        let line = line.expect("the list is UTF-8");
        listed.extend(read_host(&line));
        below.extend(read_host(&format!("a.b.{line}")));
        missing.extend(read_host(&format!("x{line}")));
    }
    let _ = std::fs::remove_file(&made);
    look_up("hosts that are listed", &domains, &listed);
    look_up("hosts two labels below", &domains, &below);
    look_up("hosts that are not listed", &domains, &missing);
    if let Some(urls) = given.get(1) {
        let urls: Vec<String> =
            std::fs::read_to_string(urls).expect("a file of URLs").lines().map(str::to_owned).collect();
        let started = cpu_nanos();
        let read: Vec<Host<String>> = urls.iter().filter_map(|url| Some(Address::read(url)?.host)).collect();
        println!("reading the URL: {:.0} ns", (cpu_nanos() - started) / urls.len() as f64);
        look_up("hosts of those URLs", &domains, &read);
    }
}

/// In an order that no cache can foresee.
fn look_up(name: &str, domains: &Domains, hosts: &[Host<String>]) {
    let order: Vec<&Host<String>> = (0..hosts.len()).map(|n| &hosts[n * 7_919 % hosts.len()]).collect();
    let started = cpu_nanos();
    let found = order.iter().filter(|host| domains.cover(black_box(host))).count();
    let each = (cpu_nanos() - started) / order.len() as f64;
    println!("look up: {each:>5.0} ns each, {found} of {} found: {name}", order.len());
}

fn write_domains(path: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    for n in 0..DOMAINS {
        let word = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let top = ["com", "org", "co.uk", "de", "cn", "net", "blogspot.com", "example.com.br"][n as usize % 8];
        writeln!(out, "{:x}-{n}.{top}", word >> 36)?;
    }
    out.flush()
}

/// What this thread has had of the processor, in nanoseconds.
fn cpu_nanos() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(f64::NAN)
}

/// Resident bytes now and at the peak.
fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().map_or(f64::NAN, |kib: f64| kib * 1024.0)
    };
    (of("VmRSS:"), of("VmHWM:"))
}
