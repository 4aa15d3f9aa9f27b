//! Fields of a state as engines write and read them: by names within names, `settled.q.hi`, and by what they hold.

use super::{Class, Result, State, StateError};
use crate::network::Pattern;
use crate::number::COUNTABLE;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Adds fields to a state.
#[derive(Debug)]
pub struct Saver<'a> {
    state: &'a mut State,
    prefix: String,
    class: Class,
}

impl<'a> Saver<'a> {
    pub(super) fn new(state: &'a mut State) -> Self {
        Self { state, prefix: String::new(), class: Class::Path }
    }

    /// For fields whose names begin with this one.
    pub fn within(&mut self, name: &str) -> Saver<'_> {
        Saver { prefix: format!("{}{name}.", self.prefix), state: self.state, class: self.class }
    }

    /// For fields beside the path.
    pub fn beside(&mut self) -> Saver<'_> {
        Saver { prefix: self.prefix.clone(), state: self.state, class: Class::Beside }
    }

    /// A vector.
    pub fn vector(&mut self, name: &str, values: impl Into<Vec<f64>>) {
        self.state.insert(format!("{}{name}", self.prefix), self.class, values.into());
    }

    /// A number.
    pub fn number(&mut self, name: &str, value: f64) {
        self.vector(name, [value]);
    }

    /// The bits of a pattern, as numbers 0 and 1.
    pub fn pattern(&mut self, name: &str, pattern: &Pattern) {
        self.vector(name, pattern.bits());
    }

    /// A number, or none: whether there is one, and which.
    pub fn maybe(&mut self, name: &str, value: Option<f64>) {
        self.vector(name, [f64::from(u8::from(value.is_some())), value.unwrap_or_default()]);
    }

    /// A count, below 2⁵³.
    pub fn count(&mut self, name: &str, value: u64) {
        self.number(name, value as f64);
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.count(name, u64::from(value));
    }

    /// Which of some choices.
    ///
    /// # Panics
    /// If it is none of them.
    pub fn choice<T: PartialEq>(&mut self, name: &str, choices: &[T], value: &T) {
        let place = choices.iter().position(|choice| choice == value).expect("one of the choices");
        self.number(name, place as f64);
    }

    /// Several choices.
    ///
    /// # Panics
    /// If one is none of them.
    pub fn choices<T: PartialEq>(&mut self, name: &str, choices: &[T], values: impl Iterator<Item = T>) {
        let place = |value| choices.iter().position(|choice| *choice == value).expect("one of the choices") as f64;
        self.vector(name, values.map(place).collect::<Vec<_>>());
    }
}

/// Reads fields of a state; every error names the field. What was read is noted, so that in the end nothing may be
/// left over.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    state: &'a State,
    prefix: String,
    read: Rc<RefCell<BTreeSet<String>>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self { state, prefix: String::new(), read: Rc::default() }
    }

    /// For fields whose names begin with this one.
    pub fn within(&self, name: &str) -> Self {
        Self { state: self.state, prefix: format!("{}{name}.", self.prefix), read: self.read.clone() }
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.state.get(&self.name(name)).is_some()
    }

    /// A vector of any length.
    pub fn any(&self, name: &str) -> Result<&'a [f64]> {
        let name = self.name(name);
        let Some(values) = self.state.get(&name) else { return Err(StateError::Missing(name)) };
        self.read.borrow_mut().insert(name);
        Ok(values)
    }

    /// Whether every field of the state was read.
    ///
    /// # Errors
    /// [`StateError::Unknown`] with the first that was not.
    pub fn finish(&self) -> Result<()> {
        let read = self.read.borrow();
        let unknown = self.state.fields().find(|(name, ..)| !read.contains(*name));
        unknown.map_or(Ok(()), |(name, ..)| Err(StateError::Unknown(name.to_owned())))
    }

    /// A vector of `length` numbers.
    pub fn slice(&self, name: &str, length: usize) -> Result<&'a [f64]> {
        let values = self.any(name)?;
        if values.len() == length {
            return Ok(values);
        }
        Err(StateError::Length { name: self.name(name), found: values.len(), expected: length })
    }

    /// [`Self::slice`], owned.
    pub fn vector(&self, name: &str, length: usize) -> Result<Vec<f64>> {
        self.slice(name, length).map(<[f64]>::to_vec)
    }

    /// N numbers.
    pub fn numbers<const N: usize>(&self, name: &str) -> Result<[f64; N]> {
        let values = self.slice(name, N)?;
        Ok(std::array::from_fn(|k| values[k]))
    }

    /// A number that is none of the kind `bad`.
    pub fn number(&self, name: &str, bad: impl Fn(f64) -> bool) -> Result<f64> {
        let [value] = self.numbers(name)?;
        if bad(value) { Err(self.wrong(name, value)) } else { Ok(value) }
    }

    /// The pattern of n samples and m neurons.
    pub fn pattern(&self, name: &str, (n, m): (usize, usize)) -> Result<Pattern> {
        let bits = self.slice(name, n * m)?;
        match bits.iter().find(|bit| **bit != 0.0 && **bit != 1.0) {
            Some(bit) => Err(self.wrong(name, *bit)),
            None => Ok(Pattern::of(bits, n, m)),
        }
    }

    /// A number, or none.
    pub fn maybe(&self, name: &str) -> Result<Option<f64>> {
        let [known, value] = self.numbers(name)?;
        self.chosen(name, &[None, Some(value)], known)
    }

    /// A time: finite, not negative.
    pub fn time(&self, name: &str) -> Result<f64> {
        self.number(name, |t| !(t.is_finite() && t >= 0.0))
    }

    /// A count, at most 2⁵³.
    pub fn count(&self, name: &str) -> Result<u64> {
        self.number(name, |v| !countable(v)).map(|v| v as u64)
    }

    /// A count that fits 32 bits.
    pub fn small_count(&self, name: &str) -> Result<u32> {
        let count = self.count(name)?;
        u32::try_from(count).map_err(|_| self.wrong(name, count as f64))
    }

    /// Counts, each at most `most`.
    pub fn counts(&self, name: &str, most: u64) -> Result<Vec<u64>> {
        let count = |v: &f64| {
            if countable(*v) && *v <= most as f64 { Ok(*v as u64) } else { Err(self.wrong(name, *v)) }
        };
        self.any(name)?.iter().map(count).collect()
    }

    /// Whether an option is still what it was.
    ///
    /// # Errors
    /// [`StateError::Option`] with its name.
    pub fn unchanged(&self, name: &'static str, value: f64) -> Result<()> {
        let [saved] = self.within("options").numbers(name)?;
        if saved.to_bits() == value.to_bits() { Ok(()) } else { Err(StateError::Option(name)) }
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> Result<bool> {
        self.choice(name, &[false, true])
    }

    /// Which of some choices.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[T]) -> Result<T> {
        let [value] = self.numbers(name)?;
        self.chosen(name, choices, value)
    }

    /// Several choices.
    pub fn choices<T: Copy>(&self, name: &str, choices: &[T]) -> Result<Vec<T>> {
        self.any(name)?.iter().map(|value| self.chosen(name, choices, *value)).collect()
    }

    fn chosen<T: Copy>(&self, name: &str, choices: &[T], value: f64) -> Result<T> {
        let place = Some(value).filter(|v| countable(*v)).and_then(|v| choices.get(v as usize));
        place.copied().ok_or_else(|| self.wrong(name, value))
    }

    /// The error that a field holds this.
    pub fn wrong(&self, name: &str, value: f64) -> StateError {
        StateError::Value { name: self.name(name), value: value.to_string() }
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Whether a number is whole and between 0 and 2⁵³.
fn countable(v: f64) -> bool {
    (0.0..=COUNTABLE).contains(&v) && v.fract() == 0.0
}
