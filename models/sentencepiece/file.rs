//! The file: a message of protocol buffers, of which what decides about pieces is read.

/// What is read.
#[derive(Debug)]
pub struct File<'a> {
    pub pieces: Vec<Piece>,
    /// 1 for unigram, 2 for BPE, 3 for words, 4 for characters.
    pub model_type: u64,
    pub charsmap: &'a [u8],
    pub begins_with_space: bool,
    pub one_space: bool,
    pub escapes: bool,
    pub spaces_behind: bool,
    pub byte_fallback: bool,
}

/// A piece.
#[derive(Debug, PartialEq)]
pub struct Piece {
    pub text: String,
    pub score: f32,
    pub kind: Kind,
}

/// What a piece is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Float(f32),
    Other,
}

/// The fields of a message.
struct Fields<'a> {
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (head, tail) = self.bytes.split_at_checked(length).ok_or("the file ends too early")?;
        self.bytes = tail;
        Ok(head)
    }

    fn number(&mut self) -> Result<u64, String> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err("it is no model of SentencePiece".to_owned())
    }

    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, String> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => {
                self.take(8)?;
                Value::Other
            }
            2 => {
                let length = self.number()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Float(f32::from_le_bytes(self.take(4)?.try_into().expect("four bytes"))),
            _ => return Err("it is no model of SentencePiece".to_owned()),
        };
        Ok(Some((key >> 3, value)))
    }
}

fn piece(bytes: &[u8]) -> Result<Piece, String> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: Kind::Normal };
    let mut fields = Fields { bytes };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(text)) => {
                piece.text = String::from_utf8(text.to_vec()).map_err(|_| "a piece is no UTF-8".to_owned())?;
            }
            (2, Value::Float(score)) => piece.score = score,
            (3, Value::Number(kind)) => {
                piece.kind = match kind {
                    1 => Kind::Normal,
                    2 => Kind::Unknown,
                    3 => Kind::Control,
                    4 => Kind::UserDefined,
                    5 => Kind::Unused,
                    6 => Kind::Byte,
                    _ => return Err(format!("a piece is of kind {kind}, which is not known")),
                };
            }
            _ => {}
        }
    }
    Ok(piece)
}

/// Reads a file.
pub fn read(bytes: &[u8]) -> Result<File<'_>, String> {
    let mut file = File {
        pieces: Vec::new(),
        model_type: 1,
        charsmap: &[],
        begins_with_space: true,
        one_space: true,
        escapes: true,
        spaces_behind: false,
        byte_fallback: false,
    };
    let mut fields = Fields { bytes };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(bytes)) => file.pieces.push(piece(bytes)?),
            (2, Value::Bytes(bytes)) => {
                let mut trainer = Fields { bytes };
                while let Some(field) = trainer.next()? {
                    match field {
                        (3, Value::Number(number)) => file.model_type = number,
                        (24, Value::Number(number)) => file.spaces_behind = number != 0,
                        (35, Value::Number(number)) => file.byte_fallback = number != 0,
                        _ => {}
                    }
                }
            }
            (3, Value::Bytes(bytes)) => {
                let mut normaliser = Fields { bytes };
                while let Some(field) = normaliser.next()? {
                    match field {
                        (2, Value::Bytes(bytes)) => file.charsmap = bytes,
                        (3, Value::Number(number)) => file.begins_with_space = number != 0,
                        (4, Value::Number(number)) => file.one_space = number != 0,
                        (5, Value::Number(number)) => file.escapes = number != 0,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if file.pieces.is_empty() {
        return Err("it is no model of SentencePiece: it has no piece".to_owned());
    }
    Ok(file)
}
