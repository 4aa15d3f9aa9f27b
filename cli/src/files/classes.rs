//! Two classes, however they are called, as ±1.

use super::text::number;

/// The names of the two classes, and which one is +1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// The name of −1; empty if it does not occur.
    pub negative: String,
    /// The name of +1; empty if it does not occur.
    pub positive: String,
}

/// Distinct labels in the order of their first appearance, at most two.
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: Vec<String>,
}

impl Names {
    /// The index (0 or 1) of a name; None for a third one. Numbers are equal by value.
    pub fn index(&mut self, name: &[u8]) -> Option<usize> {
        let same = |known: &String| {
            known.as_bytes() == name || matches!((number(known.as_bytes()), number(name)), (Some(a), Some(b)) if a == b)
        };
        if let Some(k) = self.names.iter().position(same) {
            return Some(k);
        }
        self.names.push(String::from_utf8_lossy(name).into_owned());
        (self.names.len() <= 2).then(|| self.names.len() - 1)
    }

    /// The names so far.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Which name is which: of two numbers the larger is +1, of two words the later in the alphabet. A
    /// class that is alone must be −1, 0 or 1.
    ///
    /// Returns the sign of each name, and the classes.
    pub fn signs(&self) -> Result<(Vec<f64>, Classes), String> {
        let value = |name: &String| number(name.as_bytes());
        match &self.names[..] {
            [] => Ok((Vec::new(), Classes { negative: String::new(), positive: String::new() })),
            [only] => match value(only) {
                Some(1.0) => Ok((vec![1.0], Classes { negative: String::new(), positive: only.clone() })),
                Some(0.0 | -1.0) => Ok((vec![-1.0], Classes { negative: only.clone(), positive: String::new() })),
                _ => Err(format!("every label is {only:?}; expected two classes")),
            },
            [a, b, ..] => {
                let ascending = match (value(a), value(b)) {
                    (Some(x), Some(y)) => x < y,
                    _ => a < b,
                };
                let (negative, positive) = if ascending { (a, b) } else { (b, a) };
                let signs = if ascending { vec![-1.0, 1.0] } else { vec![1.0, -1.0] };
                Ok((signs, Classes { negative: negative.clone(), positive: positive.clone() }))
            }
        }
    }
}
