//! A text as its ASCII skeleton: full-width forms, dashes and spaces of other alphabets stand for the
//! ASCII character they look like, so that one rule reads `１３８` as it reads `138`.

/// What stands for a character that resembles no ASCII one.
pub const OTHER: u8 = 0x80;

/// The character at `at` and its length in bytes; `(0, 0)` at the end.
pub fn at(bytes: &[u8], at: usize) -> (u8, usize) {
    let Some(&lead) = bytes.get(at) else { return (0, 0) };
    match lead {
        0..=0x7f => (lead, 1),
        0xc2 => (if bytes.get(at + 1) == Some(&0xa0) { b' ' } else { OTHER }, 2),
        0xc0..=0xdf => (OTHER, 2),
        0xe0..=0xef => {
            let (second, third) = (bytes[at + 1], bytes[at + 2]);
            let c = match (lead, second, third) {
                (0xef, 0xbc, 0x81..) => third - 0x81 + b'!',
                (0xef, 0xbd, 0x80..=0x9e) => third - 0x80 + b'`',
                (0xe2, 0x80, 0x90..=0x95) | (0xe2, 0x88, 0x92) => b'-',
                (0xe3, 0x80, 0x80) => b' ',
                _ => OTHER,
            };
            (c, 3)
        }
        _ => (OTHER, 4),
    }
}

/// The character that ends at `end`, and its length; `(0, 0)` at the start of the text.
pub fn before(bytes: &[u8], end: usize) -> (u8, usize) {
    if end == 0 {
        return (0, 0);
    }
    let mut start = end - 1;
    while bytes[start] & 0xc0 == 0x80 {
        start -= 1;
    }
    at(bytes, start)
}

/// Whether a word goes on with this character.
pub fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

/// Reads exactly `count` digits; where they end, and what they say.
pub fn digits<const N: usize>(bytes: &[u8], start: usize, count: usize) -> Option<(usize, [u8; N])> {
    let (mut end, mut read) = (start, [0; N]);
    for slot in read.iter_mut().take(count) {
        let (c, length) = at(bytes, end);
        if !c.is_ascii_digit() {
            return None;
        }
        *slot = c - b'0';
        end += length;
    }
    Some((end, read))
}

/// Where the next digit stands, full-width ones included. Eight bytes at a time.
pub fn next_digit(bytes: &[u8], mut from: usize) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES * 0x80;
    while from < bytes.len() {
        if let Some(eight) = bytes.get(from..from + 8) {
            let word = u64::from_le_bytes(eight.try_into().expect("eight bytes"));
            // A byte of `digit` is at most 9 for a digit alone; one of `wide`, zero for the lead byte of full-width forms.
            let digit = word ^ (ONES * 0x30);
            let digits = !(((digit & !HIGH) + ONES * 0x76) | digit) & HIGH;
            let wide = word ^ (ONES * 0xef);
            let wides = wide.wrapping_sub(ONES) & !wide & HIGH;
            let hits = digits | wides;
            if hits == 0 {
                from += 8;
                continue;
            }
            from += (hits.trailing_zeros() / 8) as usize;
        }
        if bytes[from].is_ascii_digit()
            || bytes[from] == 0xef && bytes[from + 1] == 0xbc && (0x90..=0x99).contains(&bytes[from + 2])
        {
            return Some(from);
        }
        from += 1;
    }
    None
}
