//! From counts to probabilities and back-offs (Heafield et al. 2013, sec. 3).

use std::io;
use std::path::Path;

use super::sort::{By, Row, Rows, Sorter, Writer};
use super::{BEGIN, Config, Discounts, Folder};

/// What [`estimate`] tells beside the files it leaves: `final-1`, `final-2`, …, sorted by suffix.
pub struct Estimated {
    pub ngrams: Vec<u64>,
    pub discounts: Vec<Discounts>,
}

/// Estimates a model from the counts of the longest n-grams, sorted by suffix.
pub fn estimate(config: &Config, folder: &Folder, counts: &Path, words: usize) -> io::Result<Estimated> {
    let discounts = adjust(config, folder, counts)?;
    std::fs::remove_file(counts)?;
    let mut uniform = 0.0;
    for n in 1..=config.order {
        let rest = normalise(config, folder, n, discounts[n - 1].values)?;
        if n == 1 {
            // Words that may come, the unknown among them: `<s>` never does.
            uniform = rest / (words - 1) as f64;
        }
    }
    let mut ngrams = Vec::new();
    for n in 1..=config.order {
        interpolate(folder, n, uniform)?;
    }
    for n in 1..=config.order {
        ngrams.push(join(folder, n, n == config.order)?);
    }
    Ok(Estimated { ngrams, discounts })
}

/// How often n-grams of an order were seen once, twice, three and four times.
fn discounts([_, one, two, three, four]: [u64; 5]) -> Discounts {
    let [one, two, three, four] = [one, two, three, four].map(|count| count as f64);
    let y = one / (one + 2.0 * two);
    let values = [1.0 - 2.0 * y * two / one, 2.0 - 3.0 * y * three / two, 3.0 - 4.0 * y * four / three];
    // Chen and Goodman, eq. 26; a discount is above nothing and no more than what it is taken from.
    let fits = values.iter().zip([1.0, 2.0, 3.0]).all(|(&value, count)| (0.0..=count).contains(&value));
    if fits { Discounts { values, fallback: false } } else { Discounts { values: [0.5, 1.0, 1.5], fallback: true } }
}

/// Writes the adjusted counts of each order, sorted by context: of the longest n-grams, and of those that begin a
/// sentence, how often they are there; of others, how many different words stand before them.
fn adjust(config: &Config, folder: &Folder, counts: &Path) -> io::Result<Vec<Discounts>> {
    let order = config.order;
    let memory = config.memory / order;
    let sorter = |n| Sorter::new(By::Context, n, folder.file("adjusted", n), memory, config.threads);
    let mut sorters: Vec<Sorter> = (1..=order).map(sorter).collect();
    let mut seen = vec![[0_u64; 5]; order];
    // By order: how often what is open is there, and how many words stand before it.
    let mut open = vec![(0_u64, 0_u64); order];
    let mut last: Option<Row> = None;
    let mut rows = Rows::open(counts, order)?;
    let mut close = |last: &Row, n: usize, (count, before): (u64, u64)| -> io::Result<()> {
        let words = &last.words[..n];
        // Of n-grams that reach into what stands before a sentence, only that with one `<s>` is one.
        if words[0] == BEGIN || n >= 2 && words[n - 2] == BEGIN {
            return Ok(());
        }
        let adjusted = if n == order || words[n - 1] == BEGIN { count } else { before };
        if adjusted <= 4 {
            seen[n - 1][adjusted as usize] += 1;
        }
        let mut row = Row { one: adjusted, other: u64::from(count <= config.prune(n)), ..Row::default() };
        row.words[..n].copy_from_slice(words);
        sorters[n - 1].push(row)
    };
    while let Some(row) = rows.next()? {
        let same = last.map_or(0, |last| (0..order).take_while(|&at| last.words[at] == row.words[at]).count());
        if let Some(last) = &last {
            for n in (same + 1..=order).rev() {
                close(last, n, std::mem::take(&mut open[n - 1]))?;
            }
        }
        for (at, (count, before)) in open.iter_mut().enumerate() {
            *count += row.one;
            // A word before an n-gram that is longer than what is shared is another one.
            *before += u64::from(at + 1 >= same);
        }
        last = Some(row);
    }
    if let Some(last) = &last {
        for n in (1..=order).rev() {
            close(last, n, open[n - 1])?;
        }
    }
    for sorter in sorters {
        sorter.finish()?;
    }
    Ok(seen.into_iter().map(discounts).collect())
}

/// Divides by what each context has seen; leaves `share-n`, sorted by suffix, and `rest-n`: what each context has
/// left for shorter ones, which is sorted by suffix as it comes. Tells what the empty context has left.
fn normalise(config: &Config, folder: &Folder, n: usize, discounts: [f64; 3]) -> io::Result<f64> {
    let adjusted = folder.file("adjusted", n);
    let mut ahead = Rows::open(&adjusted, n)?;
    let mut behind = Rows::open(&adjusted, n)?;
    let mut shares = Sorter::new(By::Suffix, n, folder.file("share", n), config.memory, config.threads);
    let mut rests = Writer::create(&folder.file("rest", n), n - 1)?;
    let discount = |count: u64| if count == 0 { 0.0 } else { discounts[(count.min(3) - 1) as usize] };
    let mut rest = 0.0;
    let mut first = ahead.next()?;
    while let Some(start) = first {
        let (mut sum, mut left, mut rows) = (0.0, 0.0, 0_u64);
        let mut next = Some(start);
        while let Some(row) = next.filter(|row| row.words[1..] == start.words[1..]) {
            sum += row.one as f64;
            left += if row.other == 1 { row.one as f64 } else { discount(row.one) };
            rows += 1;
            next = ahead.next()?;
        }
        first = next;
        rest = left / sum;
        for _ in 0..rows {
            let row = behind.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if row.other == 0 {
                let share = (row.one as f64 - discount(row.one)) / sum;
                shares.push(Row { one: share.to_bits(), other: rest.to_bits(), ..row })?;
            }
        }
        let mut context = Row { one: rest.to_bits(), ..Row::default() };
        context.words[..n - 1].copy_from_slice(&start.words[1..n]);
        rests.push(&context)?;
    }
    rests.finish()?;
    shares.finish()?;
    std::fs::remove_file(adjusted)?;
    Ok(rest)
}

/// Adds what shorter n-grams give; leaves `whole-n`, sorted by suffix.
fn interpolate(folder: &Folder, n: usize, uniform: f64) -> io::Result<()> {
    let path = folder.file("share", n);
    let mut shares = Rows::open(&path, n)?;
    let mut whole = Writer::create(&folder.file("whole", n), n)?;
    if n == 1 {
        // The unknown word, and the begin of a sentence, which nothing precedes.
        whole.push(&Row { one: uniform.to_bits(), ..Row::default() })?;
        let mut begin = Row { one: 1.0_f64.to_bits(), ..Row::default() };
        begin.words[0] = BEGIN;
        whole.push(&begin)?;
        while let Some(row) = shares.next()? {
            let prob = f64::from_bits(row.one) + uniform;
            whole.push(&Row { one: prob.to_bits(), ..row })?;
        }
    } else {
        let mut shorter = Rows::open(&folder.file("whole", n - 1), n - 1)?;
        let mut below = shorter.next()?;
        while let Some(row) = shares.next()? {
            let prob = loop {
                let found = below.ok_or_else(|| io::Error::other("an n-gram is there without its suffix"))?;
                if found.words[..n - 1] == row.words[..n - 1] {
                    break f64::from_bits(row.one) + f64::from_bits(row.other) * f64::from_bits(found.one);
                }
                below = shorter.next()?;
            };
            whole.push(&Row { one: prob.to_bits(), ..row })?;
        }
    }
    whole.finish()?;
    std::fs::remove_file(path)
}

/// Puts probabilities and back-offs together; tells how many n-grams there are.
fn join(folder: &Folder, n: usize, highest: bool) -> io::Result<u64> {
    let mut whole = Rows::open(&folder.file("whole", n), n)?;
    let mut out = Writer::create(&folder.file("final", n), n)?;
    let mut rests = if highest { None } else { Some(Rows::open(&folder.file("rest", n + 1), n)?) };
    let next = |rests: &mut Option<Rows>| rests.as_mut().map_or(Ok(None), Rows::next);
    let mut rest = next(&mut rests)?;
    let mut count = 0;
    while let Some(row) = whole.next()? {
        while rest.is_some_and(|rest| rest.words[..n] < row.words[..n]) {
            rest = next(&mut rests)?;
        }
        let backoff =
            rest.filter(|rest| rest.words[..n] == row.words[..n]).map_or(1.0, |rest| f64::from_bits(rest.one));
        out.push(&Row { other: backoff.to_bits(), ..row })?;
        count += 1;
    }
    out.finish()?;
    std::fs::remove_file(folder.file("whole", n))?;
    Ok(count)
}
