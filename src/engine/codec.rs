//! Documents as bytes, for the spool between phases.

use wanjuan_filters::kit::{Document, Name, Origin, Value};

/// A document that waits for its next phase, and the step it waits for.
#[derive(Debug, PartialEq)]
pub struct Waiting {
    /// The node of the graph that the document enters next.
    pub node: u32,
    /// The document, as it was when it began to wait.
    pub document: Document,
}

/// Appends the document's bytes to `out`. Its split is known to whoever reads, and left out.
pub fn encode(node: u32, document: &Document, out: &mut Vec<u8>) {
    out.extend_from_slice(&node.to_le_bytes());
    out.extend_from_slice(&document.origin.ordinal.to_le_bytes());
    string(&document.id, out);
    string(document.text(), out);
    string(&document.carried, out);
    let count_at = out.len();
    out.push(0);
    for (name, value) in document.fields() {
        out[count_at] += 1; // a document has a handful of fields; the checker refuses 256
        string(name.as_str(), out);
        match value {
            Value::Text(text) => {
                out.push(0);
                string(text, out);
            }
            Value::Integer(integer) => {
                out.push(1);
                out.extend_from_slice(&integer.to_le_bytes());
            }
            Value::Number(number) => {
                out.push(2);
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Value::Boolean(boolean) => out.extend_from_slice(&[3, u8::from(*boolean)]),
        }
    }
    out.extend_from_slice(&(document.measures.len() as u32).to_le_bytes());
    for measure in &document.measures {
        out.extend_from_slice(&measure.to_bits().to_le_bytes());
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The node that a document waits at and its ordinal, from its bytes.
pub fn place(bytes: &[u8]) -> Option<(u32, u64)> {
    let node = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    Some((node, u64::from_le_bytes(bytes.get(4..12)?.try_into().ok()?)))
}

/// Reads a document back, or `None` where the bytes are not one.
pub fn decode(bytes: &[u8], split: u32) -> Option<Waiting> {
    let mut rest = bytes;
    let node = u32::from_le_bytes(take(&mut rest)?);
    let ordinal = u64::from_le_bytes(take(&mut rest)?);
    let id = text(&mut rest)?.to_owned();
    let mut document = Document::new(id, text(&mut rest)?);
    document.carried = text(&mut rest)?.to_owned();
    document.origin = Origin { split, ordinal };
    let [fields] = take(&mut rest)?;
    for _ in 0..fields {
        let name = Name::new(text(&mut rest)?);
        let [kind] = take(&mut rest)?;
        let value = match kind {
            0 => Value::from(text(&mut rest)?),
            1 => Value::Integer(i64::from_le_bytes(take(&mut rest)?)),
            2 => Value::Number(f64::from_bits(u64::from_le_bytes(take(&mut rest)?))),
            3 => Value::Boolean(take::<1>(&mut rest)?[0] != 0),
            _ => return None,
        };
        document.set_field(name, value);
    }
    let measures = u32::from_le_bytes(take(&mut rest)?) as usize;
    document.measures.reserve_exact(measures.min(rest.len() / 8));
    for _ in 0..measures {
        document.measures.push(f64::from_bits(u64::from_le_bytes(take(&mut rest)?)));
    }
    rest.is_empty().then_some(Waiting { node, document })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = u64::from_le_bytes(take(rest)?);
    let (head, tail) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = tail;
    crate::json::utf8(head).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_comes_back_as_it_was_and_a_cut_one_not_at_all() {
        let mut document = Document::new("甲", "正文\0");
        document.carried = r#""a":[1]"#.to_owned();
        document.origin = Origin { split: 3, ordinal: 9 };
        document.set_field(Name::new("lang"), "zh");
        document.set_field(Name::new("n"), -4_i64);
        document.set_field(Name::new("x"), 0.5);
        document.set_field(Name::new("b"), true);
        document.measures = vec![1.0, 2.5];
        let mut bytes = Vec::new();
        encode(7, &document, &mut bytes);
        let back = decode(&bytes, 3).unwrap();
        assert_eq!(back.node, 7);
        assert_eq!((back.document.id.as_str(), back.document.text()), ("甲", "正文\0"));
        assert_eq!(back.document.fields().collect::<Vec<_>>(), document.fields().collect::<Vec<_>>());
        assert_eq!((&back.document.carried, back.document.origin), (&document.carried, document.origin));
        assert_eq!(back.document.measures, document.measures);
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut], 3).is_none());
        }
    }
}
