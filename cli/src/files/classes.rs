//! Two classes, however they are called, as ±1.
//!
//! One rule for labels from anywhere: of two numbers the larger is +1; of two names the later in the order of
//! their characters; a number beside a name is an error, since one of them is no class. `data.positive_class`
//! overrides the order.

use super::text::{number, shown};
use serde::{Deserialize, Serialize};

/// A class and how many samples it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// As the file calls it; empty if it does not occur.
    pub name: String,
    /// The number of its samples.
    pub samples: usize,
}

/// Which class is which, and where the labels came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes {
    /// The class of +1.
    pub positive: Class,
    /// The class of −1.
    pub negative: Class,
    /// The file, and the column of it.
    pub from: String,
}

impl Classes {
    /// Counts the samples of each class, of which these are the labels ±1.
    pub fn count(&mut self, y: &[f64]) {
        self.positive.samples = y.iter().filter(|y| **y > 0.0).count();
        self.negative.samples = y.len() - self.positive.samples;
    }
}

/// Labels as ±1, with their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    /// ±1, a sample each.
    pub y: Vec<f64>,
    /// Which class is which.
    pub classes: Classes,
}

/// What a label is worth as a number. Whole ones compare exactly.
#[derive(Clone, Copy, Debug)]
enum Value {
    Whole(i128),
    Real(f64),
}

impl Value {
    fn of(text: &[u8]) -> Option<Self> {
        let whole = std::str::from_utf8(text).ok().and_then(|t| t.parse::<i128>().ok());
        whole.map(Self::Whole).or_else(|| number(text).map(Self::of_real))
    }

    fn of_real(v: f64) -> Self {
        // whole numbers that f64 counts one by one
        if v.fract() == 0.0 && v.abs() < 2f64.powi(53) { Self::Whole(v as i128) } else { Self::Real(v) }
    }

    fn real(self) -> f64 {
        match self {
            Self::Whole(v) => v as f64,
            Self::Real(v) => v,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(std::cmp::Ordering::Equal)
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (*self, *other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (a, b) => a.real().partial_cmp(&b.real()),
        }
    }
}

/// Which class is +1.
#[derive(Clone, Copy, Debug)]
pub enum Plus<'a> {
    /// The one of this name; empty: the larger number, or the later name.
    Named(&'a str),
    /// That of other samples, of which these have the classes.
    As(&'a Classes),
}

impl<'a> From<&'a str> for Plus<'a> {
    fn from(name: &'a str) -> Self {
        Self::Named(name)
    }
}

/// One of the classes as the file spells it first.
#[derive(Clone, Debug)]
struct Name {
    spelling: Vec<u8>,
    value: Option<Value>,
}

impl Name {
    fn of(spelling: &[u8]) -> Self {
        Self { spelling: spelling.to_vec(), value: Value::of(spelling) }
    }

    fn is(&self, other: &Self) -> bool {
        self.spelling == other.spelling || matches!((self.value, other.value), (Some(a), Some(b)) if a == b)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.spelling).into_owned()
    }
}

/// Distinct labels in the order of their first appearance, at most two.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<Name>);

impl Names {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The index (0 or 1) of a label as written; numbers are equal by value.
    ///
    /// # Errors
    /// What is wrong, in words: an empty label, one that is not finite, a third class.
    pub fn index(&mut self, label: &[u8]) -> Result<usize, String> {
        if let Some(k) = self.0.iter().position(|known| known.spelling == label) {
            return Ok(k);
        }
        let label = label.strip_prefix(b"\xef\xbb\xbf").unwrap_or(label);
        let label = label.trim_ascii();
        self.add(Name::of(label))
    }

    /// As [`Names::index`], of a number that is spelt `spelling`: the booleans of NumPy.
    ///
    /// # Errors
    /// As [`Names::index`].
    pub fn index_of_number(&mut self, spelling: &[u8], value: f64) -> Result<usize, String> {
        self.add(Name { spelling: spelling.to_vec(), value: Some(Value::of_real(value)) })
    }

    fn add(&mut self, name: Name) -> Result<usize, String> {
        if let Some(k) = self.0.iter().position(|known| known.is(&name)) {
            return Ok(k);
        }
        if name.spelling.is_empty() {
            return Err("an empty label; every sample needs its class".into());
        }
        if name.value.is_some_and(|v| !v.real().is_finite()) {
            return Err(format!("label {} is not finite", shown(&name.spelling)));
        }
        if let [a, b] = &self.0[..] {
            let known = format!("{}, {}", shown(&a.spelling), shown(&b.spelling));
            return Err(format!("label {}; expected one of two classes ({known})", shown(&name.spelling)));
        }
        self.0.push(name);
        Ok(self.0.len() - 1)
    }

    /// The indices here of the names of `other`, which are added; an error is the index there and what is wrong.
    ///
    /// # Errors
    /// As [`Names::index`].
    pub fn merge(&mut self, other: &Names) -> Result<[u8; 2], (usize, String)> {
        let mut indices = [0; 2];
        for (k, name) in other.0.iter().enumerate() {
            indices[k] = self.add(name.clone()).map_err(|e| (k, e))? as u8;
        }
        Ok(indices)
    }

    /// The labels of these indices as ±1; `positive` says which class is +1.
    ///
    /// # Errors
    /// What is wrong, in words: a number beside a name; a single class other than −1, 0 and 1; no class that is
    /// called `positive`; one that the other samples do not have.
    pub fn labels<'a>(&self, indices: &[u8], positive: impl Into<Plus<'a>>, from: String) -> Result<Labels, String> {
        let plus = match positive.into() {
            Plus::Named(name) => self.positive(name)?,
            Plus::As(classes) => self.among(classes)?,
        };
        let y: Vec<f64> = indices.iter().map(|k| if Some(usize::from(*k)) == plus { 1.0 } else { -1.0 }).collect();
        let samples = y.iter().filter(|y| **y > 0.0).count();
        let minus = (0..self.0.len()).find(|k| Some(*k) != plus);
        let name = |k: Option<usize>| k.map(|k| self.0[k].text()).unwrap_or_default();
        let classes = Classes {
            positive: Class { name: name(plus), samples },
            negative: Class { name: name(minus), samples: y.len() - samples },
            from,
        };
        Ok(Labels { y, classes })
    }

    /// The index of the class that is +1 among these, if it occurs.
    fn among(&self, classes: &Classes) -> Result<Option<usize>, String> {
        let known = [&classes.positive, &classes.negative].map(|class| Name::of(class.name.as_bytes()));
        if let Some(other) = self.0.iter().find(|name| !known.iter().any(|known| known.is(name))) {
            let names: Vec<String> =
                known.iter().filter(|name| !name.spelling.is_empty()).map(|name| shown(&name.spelling)).collect();
            let (other, names) = (shown(&other.spelling), names.join(" and "));
            return Err(format!("the class {other} is none of the training samples; they have {names}"));
        }
        Ok(self.0.iter().position(|name| name.is(&known[0])))
    }

    /// The index of the class of +1, if it occurs.
    fn positive(&self, asked: &str) -> Result<Option<usize>, String> {
        let list = || self.0.iter().map(|n| shown(&n.spelling)).collect::<Vec<_>>().join(" and ");
        if let [a, b] = &self.0[..]
            && a.value.is_some() != b.value.is_some()
        {
            return Err(format!("labels {}: one is a number and the other is not", list()));
        }
        if !asked.is_empty() {
            let asked = asked.trim_start_matches('\u{feff}').trim().as_bytes();
            let wanted = Name::of(asked);
            let found = self.0.iter().position(|known| known.is(&wanted));
            let found = found.or_else(|| self.0.iter().position(|n| n.spelling.eq_ignore_ascii_case(asked)));
            let unknown = || format!("data.positive_class = {}: the classes are {}", shown(asked), list());
            return found.map(Some).ok_or_else(unknown);
        }
        match &self.0[..] {
            [] => Ok(None),
            [only] => match only.value.map(Value::real) {
                Some(1.0) => Ok(Some(0)),
                Some(0.0 | -1.0) => Ok(None),
                _ => {
                    let name = shown(&only.spelling);
                    Err(format!("every label is {name}; expected two classes, or data.positive_class"))
                }
            },
            [a, b, ..] => {
                let later = match (a.value, b.value) {
                    (Some(x), Some(y)) => x < y,
                    _ => a.spelling < b.spelling,
                };
                Ok(Some(usize::from(later)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(labels: &[&str], positive: &str) -> Result<Vec<f64>, String> {
        let mut names = Names::default();
        let indices = labels.iter().map(|l| names.index(l.as_bytes()).map(|k| k as u8)).collect::<Result<Vec<_>, _>>();
        names.labels(&indices?, positive, String::new()).map(|l| l.y)
    }

    #[test]
    fn which_class_is_positive() {
        for (labels, positive, first) in [
            (["1", "-1"], "", 1.0),
            (["0", "1"], "", -1.0),
            (["10", "9"], "", 1.0),
            (["255", "0.0"], "", 1.0),
            (["a", "b"], "", -1.0),
            (["tumor", "normal"], "", 1.0),
            (["9007199254740993", "9007199254740992"], "", 1.0),
            (["1", "2"], "1.0", 1.0),
            (["a", "b"], "a", 1.0),
            (["False", "True"], "false", 1.0),
            (["\u{feff}b", "a"], "", 1.0),
            (["z", "é"], "", -1.0),
        ] {
            assert_eq!(signs(&labels, positive).unwrap(), [first, -first], "{labels:?} {positive}");
        }
        assert_eq!(signs(&["1", "+1.0", "1e0", "0"], "").unwrap(), [1.0, 1.0, 1.0, -1.0]);
        assert_eq!(signs(&["7", "7"], "7").unwrap(), [1.0, 1.0]);
    }

    #[test]
    fn classes_of_other_samples() {
        let class = |name: &str| Class { name: name.into(), samples: 3 };
        let known = |positive: &str, negative: &str| Classes {
            positive: class(positive),
            negative: class(negative),
            from: String::new(),
        };
        let signs = |labels: &[&str], classes: &Classes| {
            let mut names = Names::default();
            let indices =
                labels.iter().map(|l| names.index(l.as_bytes()).map(|k| k as u8)).collect::<Result<Vec<_>, _>>();
            names.labels(&indices?, Plus::As(classes), String::new()).map(|l| l.y)
        };
        let classes = known("AML", "ALL");
        assert_eq!(signs(&["ALL", "AML", "ALL"], &classes).unwrap(), [-1.0, 1.0, -1.0]);
        assert_eq!(signs(&["ALL", "ALL"], &classes).unwrap(), [-1.0, -1.0]);
        assert_eq!(signs(&["4.0", "9"], &known("4", "9")).unwrap(), [1.0, -1.0]);
        let message = signs(&["ALL", "CML"], &classes).unwrap_err();
        assert_eq!(message, "the class \"CML\" is none of the training samples; they have \"AML\" and \"ALL\"");
        let message = signs(&["a", "b"], &known("a", "")).unwrap_err();
        assert_eq!(message, "the class \"b\" is none of the training samples; they have \"a\"");
    }

    #[test]
    fn what_is_no_class() {
        for (labels, positive, expected) in [
            (&["1", "b"][..], "", "labels \"1\" and \"b\": one is a number and the other is not"),
            (&["1", "2", "3"], "", "label \"3\"; expected one of two classes (\"1\", \"2\")"),
            (&["a", "a"], "", "every label is \"a\"; expected two classes, or data.positive_class"),
            (&["a", "b"], "c", "data.positive_class = \"c\": the classes are \"a\" and \"b\""),
            (&["a", ""], "", "an empty label; every sample needs its class"),
            (&["1", "nan"], "", "label \"nan\" is not finite"),
        ] {
            assert_eq!(signs(labels, positive).unwrap_err(), expected);
        }
    }
}
