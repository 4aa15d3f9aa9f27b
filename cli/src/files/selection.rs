//! A choice of rows or columns: `0:100,150`, half-open ranges and single indices from 0, as in Python.
//!
//! `a:b` is a, …, b−1; `a:` reaches to the end and `:b` begins at 0; a negative number counts from the
//! end. The chosen ones keep the order in which they are named, and none may be named twice.

use farfield::matrix::Matrix;

/// The chosen indices among `count`, in the order of `text`; all of them for an empty text.
///
/// # Errors
/// What is wrong, in words: a part that is neither an index nor a range, an index outside 0 to
/// `count`, an empty range, an index that is named twice.
pub fn indices(text: &str, count: usize) -> Result<Vec<usize>, String> {
    if text.trim().is_empty() {
        return Ok((0..count).collect());
    }
    let (mut chosen, mut seen) = (Vec::new(), vec![false; count]);
    for part in text.split(',') {
        for index in range(part, count).map_err(|e| format!("{:?}: {e}", part.trim()))? {
            if std::mem::replace(&mut seen[index], true) {
                return Err(format!("{:?}: {index} is chosen twice", part.trim()));
            }
            chosen.push(index);
        }
    }
    Ok(chosen)
}

fn range(part: &str, count: usize) -> Result<std::ops::Range<usize>, String> {
    let place = |text: &str, largest: usize| {
        let given: i64 = text.trim().parse().map_err(|_| "expected an index or a range such as 0:100".to_string())?;
        let from_start = if given < 0 { given.checked_add_unsigned(count as u64) } else { Some(given) };
        let inside = from_start.and_then(|k| usize::try_from(k).ok()).filter(|k| *k <= largest);
        inside.ok_or_else(|| format!("{given} is outside; there are {count}, counted from 0"))
    };
    let Some((from, to)) = part.split_once(':') else {
        let index = place(part, count.saturating_sub(1))?;
        return if count == 0 { Err("there are none".into()) } else { Ok(index..index + 1) };
    };
    let from = if from.trim().is_empty() { 0 } else { place(from, count)? };
    let to = if to.trim().is_empty() { count } else { place(to, count)? };
    if from < to { Ok(from..to) } else { Err("an empty range; the end is not included".into()) }
}

/// The given rows and columns of X, in their order.
pub fn submatrix(x: &Matrix, rows: &[usize], columns: &[usize]) -> Matrix {
    let mut values = Vec::with_capacity(rows.len() * columns.len());
    rows.iter().for_each(|i| values.extend(columns.iter().map(|k| x.row(*i)[*k])));
    Matrix::new(rows.len(), columns.len(), values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_and_indices() {
        let chosen = |text: &str| indices(text, 6).unwrap();
        assert_eq!(chosen(""), [0, 1, 2, 3, 4, 5]);
        assert_eq!(chosen("0:3"), [0, 1, 2]);
        assert_eq!(chosen("5, 1:3 ,0"), [5, 1, 2, 0]);
        assert_eq!(chosen("4:,:2"), [4, 5, 0, 1]);
        assert_eq!(chosen("-1,-3:-1"), [5, 3, 4]);
        assert_eq!(chosen(":"), [0, 1, 2, 3, 4, 5]);
        for (text, expected) in [
            ("6", "\"6\": 6 is outside; there are 6, counted from 0"),
            ("0:7", "\"0:7\": 7 is outside"),
            ("-7", "\"-7\": -7 is outside"),
            ("1,3:3", "\"3:3\": an empty range; the end is not included"),
            ("4:2", "an empty range"),
            ("0:3,2", "\"2\": 2 is chosen twice"),
            ("0:4:2", "expected an index or a range"),
            ("1,,2", "\"\": expected an index or a range"),
            ("first", "expected an index"),
        ] {
            let message = indices(text, 6).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert!(indices("0", 0).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-0-9:, ]{0,24}", count in 0usize..20) {
            if let Ok(chosen) = indices(&text, count) {
                prop_assert!(chosen.iter().all(|k| *k < count));
            }
        }
    }
}
