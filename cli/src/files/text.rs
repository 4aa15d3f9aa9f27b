//! Numbers in text, and where they are.

/// Powers of ten that are exact in f64.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The number written in `text`, correctly rounded; None if it is none. `nan` and `inf` are numbers.
///
/// Up to 15 digits and an exponent up to ±22 are one exact integer times or over one exact power of
/// ten: a single rounding (Clinger 1990). The rest is left to the standard library.
pub fn number(text: &[u8]) -> Option<f64> {
    short_number(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// A number of at most 15 digits, without exponent.
#[inline]
fn short_number(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.len() > 16 {
        return None;
    }
    let (mut mantissa, mut count, mut point) = (0u64, 0, None);
    for (at, &b) in digits.iter().enumerate() {
        let digit = b.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = 10 * mantissa + u64::from(digit);
            count += 1;
        } else if b == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let decimals = point.map_or(0, |p| digits.len() - p - 1);
    let value = mantissa as f64 / TENS[decimals];
    Some(if negative { -value } else { value })
}

/// `text` without spaces, tabs and carriage returns at its ends.
pub fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// The bytes of a field as they may be shown in a one-line message: printable, at most 40 of them.
pub fn shown(field: &[u8]) -> String {
    let text: String =
        String::from_utf8_lossy(field).chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect();
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings() {
        for (text, value) in [
            ("1", 1.0),
            ("-0.5", -0.5),
            ("+2.", 2.0),
            (".25", 0.25),
            ("1e3", 1000.0),
            ("123456789012345678", 123456789012345680.0),
        ] {
            assert_eq!(number(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["", "-", ".", "1,5", "1.2.3", "0x10", "one", "1 2", "--1"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn as_the_standard_library(text in "[+-]?[0-9]{0,12}(\\.[0-9]{0,9})?(e-?[0-9]{1,2})?") {
            prop_assert_eq!(number(text.as_bytes()), text.parse().ok());
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
            let expected = std::str::from_utf8(&bytes).ok().and_then(|t| t.parse::<f64>().ok());
            let found = number(&bytes);
            prop_assert!(found == expected || (found.unwrap().is_nan() && expected.unwrap().is_nan()));
        }
    }
}
