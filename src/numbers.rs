//! Numbers as people read them.

use std::time::Duration;

use crate::engine::counts::BloomCounts;

/// A size for people.
pub fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}

/// A number with its thousands apart.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole, in hundredths.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1}%", 100.0 * part as f64 / whole as f64) }
}

/// What a mapper did to texts: `12 rewritten: 1,200 characters fewer, 30 more`. What one text lost and
/// another gained is not set off.
pub fn rewritten(documents: u64, removed: u64, added: u64) -> String {
    let parts = match (removed, added) {
        (0, 0) => String::new(),
        (removed, 0) => format!(": {} characters fewer", count(removed)),
        (0, added) => format!(": {} characters more", count(added)),
        (removed, added) => format!(": {} characters fewer, {} more", count(removed), count(added)),
    };
    format!("{} rewritten{parts}", count(documents))
}

/// What went through a Bloom filter, and what it says of its answers.
pub fn bloom(counts: &BloomCounts) -> String {
    let BloomCounts { keys, different, expected, .. } = counts;
    let came = format!("{} of {} keys were new", count(*different), count(*keys));
    match counts.overfull() {
        false => format!("Bloom filter: {came}; one new key in {} would now be taken for seen", count(counts.one_in)),
        true => format!(
            "Bloom filter: {came}, more than the {} it was made for; one new key in {} would now be taken for seen, not one in {}",
            count(*expected),
            count(counts.one_in),
            count(counts.stated_one_in)
        ),
    }
}

/// A time for people.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!((size(999), size(1536), count(1_234_567)), ("999 B".into(), "1.5 KiB".into(), "1,234,567".into()));
        assert_eq!((share(1, 0), share(1, 8)), ("-".into(), "12.5%".into()));
        assert_eq!(rewritten(1200, 0, 0), "1,200 rewritten");
        assert_eq!(rewritten(3, 4000, 0), "3 rewritten: 4,000 characters fewer");
        assert_eq!(rewritten(3, 4000, 5), "3 rewritten: 4,000 characters fewer, 5 more");
        assert_eq!(duration(Duration::from_secs(3720)), "1 h 2 min");
    }
}
