//! The ARPA format of n-gram models, as `ngram-format(5)` of SRILM describes it.

use std::io::BufRead;

use super::{Builder, Model};

/// Lines with their numbers.
struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line without its end; `None` behind the last.
    fn next(&mut self) -> Result<Option<&[u8]>, String> {
        self.line.clear();
        self.number += 1;
        let read = self.reader.read_until(b'\n', &mut self.line);
        if read.map_err(|error| format!("line {}: {error}", self.number))? == 0 {
            return Ok(None);
        }
        let end = self.line.trim_ascii_end().len();
        self.line.truncate(end);
        Ok(Some(&self.line))
    }

    /// The next line that is not blank.
    fn full(&mut self) -> Result<&[u8], String> {
        loop {
            match self.next()? {
                None => return Err(format!("line {}: the file ends too early", self.number)),
                Some([]) => {}
                Some(_) => return Ok(&self.line),
            }
        }
    }
}

/// Reads a model.
pub fn read(reader: impl BufRead) -> Result<Model, String> {
    let mut lines = Lines { reader, line: Vec::new(), number: 0 };
    let first = lines.full()?;
    if first != b"\\data\\" {
        let shown = String::from_utf8_lossy(&first[..first.len().min(40)]).into_owned();
        return Err(format!("line {}: an ARPA file begins with `\\data\\`, not with `{shown}`", lines.number));
    }
    let mut counts = Vec::new();
    loop {
        let line = lines.full()?;
        if line == b"\\1-grams:" {
            break;
        }
        let stated = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("ngram "));
        let stated = stated.and_then(|stated| stated.split_once('='));
        let stated =
            stated.and_then(|(n, count)| Some((n.trim().parse::<usize>().ok()?, count.trim().parse::<u64>().ok()?)));
        match stated {
            Some((n, count)) if n == counts.len() + 1 => counts.push(count),
            _ => return Err(format!("line {}: expected `ngram {}=…`", lines.number, counts.len() + 1)),
        }
    }
    let mut builder = Builder::new(&counts)?;
    for (n, &count) in (1..).zip(&counts) {
        if n > 1 {
            let head = format!("\\{n}-grams:");
            if lines.full()? != head.as_bytes() {
                return Err(format!("line {}: expected `{head}` behind {} n-grams", lines.number, counts[n - 2]));
            }
        }
        for _ in 0..count {
            let number = lines.number + 1;
            let line = lines.next()?.ok_or_else(|| format!("line {number}: the file ends too early"))?;
            ngram(line, n, n == counts.len(), &mut builder).map_err(|what| format!("line {number}: {what}"))?;
        }
    }
    if lines.full()? != b"\\end\\" {
        return Err(format!("line {}: expected `\\end\\`", lines.number));
    }
    builder.finish()
}

fn ngram(line: &[u8], n: usize, highest: bool, builder: &mut Builder) -> Result<(), String> {
    let mut fields = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty());
    let number = |what: &str, field: Option<&[u8]>| -> Result<f32, String> {
        let field = field.ok_or_else(|| format!("there is no {what}"))?;
        let text = std::str::from_utf8(field).map_err(|_| format!("the {what} is no number"))?;
        let value: f32 = text.parse().map_err(|_| format!("the {what} is `{text}`"))?;
        if value.is_nan() { Err(format!("the {what} is `{text}`")) } else { Ok(value) }
    };
    let prob = number("probability", fields.next())?;
    if prob > 0.0 {
        return Err(format!("the logarithm of a probability is {prob}, above 0"));
    }
    let (mut words, mut single) = ([0; super::MAX_ORDER], &b""[..]);
    for place in (0..n).rev() {
        single = fields.next().ok_or_else(|| format!("expected {n} words"))?;
        if n > 1 {
            let unknown = || format!("`{}` is no unigram", String::from_utf8_lossy(single));
            words[place] = builder.word(single).ok_or_else(unknown)?;
        }
    }
    let backoff = match fields.next() {
        None => 0.0,
        Some(_) if highest => return Err("an n-gram of the highest order has a back-off".to_owned()),
        field => number("back-off", field)?,
    };
    if fields.next().is_some() {
        return Err(format!("there is more than {n} words and a back-off"));
    }
    if n == 1 { builder.unigram(single, prob, backoff) } else { builder.ngram(&words[..n], prob, backoff) }
}
