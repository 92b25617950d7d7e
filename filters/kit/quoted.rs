//! Code that a text quotes: between back-quotes on a line, or in a fence of three.

/// Looks for what is quoted, from the front to the back of one text.
#[derive(Debug, Default)]
pub struct Quoted {
    /// No fence is closed from here on.
    unfenced: bool,
}

impl Quoted {
    /// Where the quotation ends that the back-quote at `at` begins; behind the back-quotes themselves if
    /// there is none.
    pub fn end(&mut self, text: &str, at: usize) -> usize {
        let bytes = text.as_bytes();
        let marks = bytes[at..].iter().take_while(|c| **c == b'`').count();
        let behind = at + marks;
        if marks >= 3 {
            if !self.unfenced {
                match memchr::memmem::find(&bytes[behind..], b"```") {
                    Some(end) => return behind + end + 3,
                    None => self.unfenced = true,
                }
            }
            return behind;
        }
        match memchr::memchr2(b'`', b'\n', &bytes[behind..]) {
            Some(end) if bytes[behind + end] == b'`' => {
                let close = behind + end;
                close + bytes[close..].iter().take_while(|c| **c == b'`').count()
            }
            _ => behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_end_with_their_line_and_fences_do_not() {
        let end = |text: &str| Quoted::default().end(text, 0);
        assert_eq!((end("`a` b"), end("``a`` b"), end("`a\n`"), end("`"), end("`中`")), (3, 5, 1, 1, 5));
        assert_eq!((end("```\na`b\n``` c"), end("```\na")), (11, 3));
    }
}
