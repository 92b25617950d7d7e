//! Texts from the web, shown so that nothing in them is invisible and no terminal obeys them.

/// Shows control characters and those that take no place or turn around what stands beside them. Line ends and
/// tabs stay.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            _ => push(c, &mut shown),
        }
    }
    shown
}

/// The same on one line.
pub fn visible_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| push(c, &mut shown));
    shown
}

fn push(c: char, shown: &mut String) {
    match c {
        '\0'..='\x1f' => shown.extend(char::from_u32(0x2400 + c as u32)),
        '\x7f' => shown.push('\u{2421}'),
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => shown.push_str(&format!("[U+{:04X}]", c as u32)),
        _ => shown.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_invisible_and_nothing_is_obeyed() {
        let text = "a\x1b[31m\r\n\tb\u{202e}\u{200b}河é\u{7f}";
        assert_eq!(visible(text), "a␛[31m␍\n\tb[U+202E][U+200B]河é␡");
        assert_eq!(visible_line(text), "a␛[31m␍␊␉b[U+202E][U+200B]河é␡");
    }
}
