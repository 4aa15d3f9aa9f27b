//! Which of the three formats a file has: by `data.format`, by the ending of its name, or by what it begins with.

use super::open::Opened;
use super::text::number;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What `data.format` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// By the ending of the name, or by the content.
    #[default]
    Auto,
    /// An array of NumPy.
    Npy,
    /// A table in text, whatever separates its columns.
    Csv,
    /// `label index:value …`.
    Svmlight,
}

impl Format {
    /// What the ending of a name says, `.gz` aside; [`Format::Auto`] if nothing.
    pub fn of_name(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes().to_ascii_lowercase();
        let name = name.strip_suffix(b".gz").unwrap_or(&name);
        let ends = |endings: &[&str]| endings.iter().any(|e| name.ends_with(e.as_bytes()));
        match () {
            () if ends(&[".npy"]) => Self::Npy,
            () if ends(&[".csv"]) => Self::Csv,
            () if ends(&[".svm", ".libsvm", ".svmlight"]) => Self::Svmlight,
            () => Self::Auto,
        }
    }

    /// The format of a file; never [`Format::Auto`].
    pub fn of(self, file: &Opened) -> Self {
        let said = if self == Self::Auto { Self::of_name(file.path) } else { self };
        match said {
            Self::Auto if file.start.starts_with(b"\x93NUMPY") => Self::Npy,
            Self::Auto if sparse(&file.start) => Self::Svmlight,
            Self::Auto => Self::Csv,
            said => said,
        }
    }
}

/// Whether the first line that has more than a label is `label index:value …`.
fn sparse(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let lines = start.split(|b| *b == b'\n').map(|l| l.split(|b| *b == b'#').next().unwrap_or_default());
    for line in lines {
        let mut fields = line.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
        if let (Some(label), Some(first)) = (fields.next(), fields.next()) {
            let pair = first.iter().position(|b| *b == b':').map(|at| first.split_at(at));
            let entry = |(index, value): (&[u8], &[u8])| {
                index == b"qid" || number(index).is_some() && number(&value[1..]).is_some()
            };
            return !label.contains(&b':') && pair.is_some_and(entry);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::open::stream;

    #[test]
    fn by_word_name_and_content() {
        let of = |format: Format, name: &str, content: &str| {
            format.of(&stream(content.as_bytes(), Path::new(name), None).unwrap())
        };
        for (name, content, expected) in [
            ("a.npy", "", Format::Npy),
            ("a.NPY.gz", "", Format::Npy),
            ("a.csv", "1 1:2", Format::Csv),
            ("a.libsvm", "1,2", Format::Svmlight),
            ("a.txt", "1 2 3\n", Format::Csv),
            ("a.txt", "# made\n+1 1:2\n", Format::Svmlight),
            ("a", "1\n-1 qid:3 1:2\n", Format::Svmlight),
            ("a.data", "10:30 1\n", Format::Csv),
            ("a.tsv", "a\tb\n", Format::Csv),
            ("", "", Format::Csv),
        ] {
            assert_eq!(of(Format::Auto, name, content), expected, "{name} {content}");
        }
        assert_eq!(of(Format::Svmlight, "a.csv", "1,2"), Format::Svmlight);
    }
}
