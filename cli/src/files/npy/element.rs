//! The elements of a `.npy` file: numbers, booleans and text of any width and byte order.

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IEEE half, single, double.
    Float,
    /// With sign.
    Int,
    /// Without.
    Uint,
    /// A byte, 0 or 1.
    Bool,
    /// Bytes, padded with zeros.
    Bytes,
    /// UTF-32, padded with zeros.
    Text,
}

/// The type of the elements of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub size: usize,
    big_endian: bool,
}

impl Element {
    /// From NumPy's name: `<f8`, `>i4`, `|u1`, `<U5`, and those without a byte order.
    pub fn named(name: &[u8]) -> Option<Self> {
        let (order, name) = match name {
            [order @ (b'<' | b'>' | b'=' | b'|'), rest @ ..] => (*order, rest),
            _ => (b'=', name),
        };
        let big_endian = order == b'>' || order != b'<' && cfg!(target_endian = "big");
        let of = |kind, size| Some(Self { kind, size, big_endian });
        match name {
            b"?" | b"b1" | b"bool" => return of(Kind::Bool, 1),
            b"b" | b"int8" => return of(Kind::Int, 1),
            b"B" | b"uint8" => return of(Kind::Uint, 1),
            b"h" | b"int16" => return of(Kind::Int, 2),
            b"H" | b"uint16" => return of(Kind::Uint, 2),
            b"i" | b"int32" => return of(Kind::Int, 4),
            b"I" | b"uint32" => return of(Kind::Uint, 4),
            b"q" | b"int64" => return of(Kind::Int, 8),
            b"Q" | b"uint64" => return of(Kind::Uint, 8),
            b"e" | b"half" | b"float16" => return of(Kind::Float, 2),
            b"f" | b"single" | b"float32" => return of(Kind::Float, 4),
            b"d" | b"double" | b"float64" => return of(Kind::Float, 8),
            _ => {}
        }
        let (kind, digits) = name.split_first()?;
        let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
        // so that a sample's label has a size that can be held
        let size = digits.parse::<usize>().ok().filter(|s| *s <= 1 << 20)?;
        match (kind, size) {
            (b'f', 2 | 4 | 8) => of(Kind::Float, size),
            (b'i', 1 | 2 | 4 | 8) => of(Kind::Int, size),
            (b'u', 1 | 2 | 4 | 8) => of(Kind::Uint, size),
            (b'S' | b'a', _) => of(Kind::Bytes, size),
            (b'U', _) => of(Kind::Text, 4 * size),
            _ => None,
        }
    }

    /// Whether it is a number or a boolean.
    pub fn is_number(self) -> bool {
        !matches!(self.kind, Kind::Bytes | Kind::Text)
    }

    /// The number in its bytes; the nearest one in f64.
    #[inline]
    pub fn value(self, bytes: &[u8]) -> f64 {
        let bits = self.word(bytes);
        match (self.kind, self.size) {
            (Kind::Float, 8) => f64::from_bits(bits),
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => half(bits as u16),
            (Kind::Int, _) => self.signed(bits) as f64,
            _ => bits as f64,
        }
    }

    /// The bytes of a number as an integer.
    #[inline]
    fn word(self, bytes: &[u8]) -> u64 {
        let mut word = [0; 8];
        for (k, b) in bytes.iter().enumerate() {
            word[if self.big_endian { self.size - 1 - k } else { k }] = *b;
        }
        u64::from_le_bytes(word)
    }

    fn signed(self, bits: u64) -> i64 {
        let unused = 64 - 8 * self.size as u32;
        (bits << unused) as i64 >> unused
    }

    /// The name of a class: a number in digits, `True` or `False`, or text without its padding.
    ///
    /// # Errors
    /// What is wrong, in words: text that is none.
    pub fn label(self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let unpadded = |text: &[u8]| text[..text.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1)].to_vec();
        match self.kind {
            Kind::Float => Ok(format!("{}", self.value(bytes)).into_bytes()),
            Kind::Int => Ok(self.signed(self.word(bytes)).to_string().into_bytes()),
            Kind::Uint => Ok(self.word(bytes).to_string().into_bytes()),
            Kind::Bool => Ok(if bytes[0] == 0 { b"False".to_vec() } else { b"True".to_vec() }),
            Kind::Bytes => Ok(unpadded(bytes)),
            Kind::Text => {
                let unit = |b: &[u8]| {
                    let b = [b[0], b[1], b[2], b[3]];
                    if self.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
                };
                let text: Option<String> = bytes.chunks_exact(4).map(|b| char::from_u32(unit(b))).collect();
                Ok(text.ok_or("text that is no UTF-32")?.trim_end_matches('\0').as_bytes().to_vec())
            }
        }
    }
}

/// The value of an IEEE half: sign, 5 bits of exponent with bias 15, 10 bits of fraction.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let size = match bits >> 10 & 0x1f {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1024.0 + fraction) * 2f64.powi(i32::from(e) - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}
