//! Bytes there and back, and what is refused.

use super::read::{Fault, parse};
use super::*;
use farfield::EngineKind;
use farfield::state::Class;

fn example() -> Checkpoint {
    let mut state = State::new(EngineKind::Warp, [7; 32]);
    state.insert("weights", Class::Path, vec![0.1, -0.0, f64::NAN, 5e-324]);
    let row = Row { t: 3.0, log_loss: -0.1, min_margin: f64::NEG_INFINITY, ..Row::default() };
    let table = Place { name: "trace.csv".into(), bytes: 17, digest: [3; 32] };
    let about = About {
        program: "0.1.0".into(),
        config: "seed = 1\n".into(),
        data: [9; 32],
        t: 12.5,
        rows: 4,
        first: Some(row),
        tables: vec![table],
    };
    Checkpoint { about, state }
}

/// With a checksum that is right.
fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    let checksum = blake3::hash(&content);
    content.extend(checksum.as_bytes());
    content
}

fn content() -> Vec<u8> {
    let mut out = Vec::new();
    example().write(&mut out).expect("into memory");
    out
}

#[test]
fn every_bit_comes_back() {
    let (one, again) = (example(), parse(&sealed(content())).expect("whole"));
    assert_eq!(again.state.to_bytes(), one.state.to_bytes());
    let text = |about: &About| format!("{about:?}");
    assert_eq!(text(&again.about), text(&one.about));
}

#[test]
fn every_flipped_bit_and_every_truncation_is_damage() {
    let bytes = sealed(content());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut other = bytes.clone();
            other[at] ^= 1 << bit;
            assert!(matches!(parse(&other), Err(Fault::Damaged(_))), "byte {at}, bit {bit}");
        }
        assert!(matches!(parse(&bytes[..at]), Err(Fault::Damaged(_))), "{at} bytes");
    }
}

/// Lies under a checksum that is right: lengths, counts, texts.
#[test]
fn nothing_is_trusted() {
    let whole = content();
    let mut refused = 0;
    for at in MAGIC.len()..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut other = whole.clone();
            other[at] = value;
            refused += usize::from(parse(&sealed(other)).is_err());
        }
        assert!(parse(&sealed(whole[..at].to_vec())).is_err(), "{at} bytes");
    }
    assert!(refused > 100, "{refused}");
    let mut version = whole.clone();
    version[MAGIC.len()] = 2;
    assert_eq!(parse(&sealed(version)).err(), Some(Fault::Version(2, VERSION)));
    assert!(parse(&sealed([&whole[..], &[0]].concat())).is_err());
}

/// A state of another version, whole otherwise, is told by it: the checkpoint is not damaged.
#[test]
fn a_state_of_another_version_says_so() {
    let (whole, state) = (content(), example().state.to_bytes());
    let before = whole.strip_suffix(&state[..]).expect("it ends with its state");
    let known = State::VERSION.to_le_bytes();
    let at = state.windows(4).position(|bytes| bytes == known).expect("its version");
    let mut other = state[..state.len() - 32].to_vec();
    other[at..at + 4].copy_from_slice(&(State::VERSION - 1).to_le_bytes());
    let other = [before, &sealed(other)].concat();
    assert_eq!(parse(&sealed(other)).err(), Some(Fault::Version(State::VERSION - 1, State::VERSION)));
}
