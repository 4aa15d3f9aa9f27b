//! What a monitor remembers from one monitored t to the next.
//!
//! A limit is solved when the pattern has changed, and from the weights of the losses at that t; where it begins moves its
//! last digits. So what is kept of it is its question, the pattern and those weights, and a monitor that is told them
//! solves it again to the same bits. The limit with sliding pairs is solved from the one before: the rows that carried that are part of its
//! question. A ray is kept as the sides it was solved for.

use super::{Monitor, rays};
use crate::limit::carried::Carried;
use crate::network::Pattern;
use crate::state::{Reader, Result, Saver};

/// A limit, and what it was solved for.
pub(super) struct Solved<P> {
    pub pattern: Pattern,
    pub warm: Option<Vec<f64>>,
    pub from: Carried,
    pub prediction: P,
    pub carried: Carried, // the rows that carry it, as it was solved
}

impl<P> Solved<P> {
    pub fn new(pattern: &Pattern, warm: Option<&[f64]>, prediction: P) -> Self {
        let (from, carried) = (Carried::default(), Carried::default());
        Self { pattern: pattern.clone(), warm: warm.map(<[f64]>::to_vec), from, prediction, carried }
    }

    fn question(&self) -> Question {
        let (pattern, from) = (self.pattern.clone(), self.from.clone());
        Question { pattern, warm: self.warm.clone().unwrap_or_default(), from }
    }
}

/// What a limit is solved for: bits, and where the solver begins: estimates of λ (length n, or 0 without them), and rows.
#[derive(Clone, Debug)]
struct Question {
    pattern: Pattern,
    warm: Vec<f64>,
    from: Carried,
}

impl Question {
    fn save(&self, out: &mut Saver) {
        out.pattern("pattern", &self.pattern);
        out.vector("warm", &self.warm[..]);
        self.from.save(&mut out.within("from"));
    }

    fn restore(from: &Reader, (n, m): (usize, usize)) -> Result<Option<Self>> {
        if !from.has("pattern") && !from.has("warm") {
            return Ok(None);
        }
        let (pattern, warm) = (from.pattern("pattern", (n, m))?, from.any("warm")?);
        if !warm.is_empty() {
            from.slice("warm", n)?;
        }
        match warm.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            Some(weight) => Err(from.wrong("warm", *weight)),
            None => {
                Ok(Some(Self { pattern, warm: warm.to_vec(), from: Carried::restore(&from.within("from"), (n, m))? }))
            }
        }
    }
}

/// What later rows depend on.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    solved: Option<Question>,
    slid: Option<Question>,
    chattering: bool,
    ties: (u64, f64),
    rays: rays::Memory,
}

impl Memory {
    /// As fields of a state.
    pub fn save(&self, out: &mut Saver) {
        out.flag("chattering", self.chattering);
        out.vector("ties", [self.ties.0 as f64, self.ties.1]);
        for (name, question) in [("limit", &self.solved), ("slid", &self.slid)] {
            if let Some(question) = question {
                question.save(&mut out.within(name));
            }
        }
        self.rays.save(&mut out.within("rays"));
    }

    /// Reads what [`Memory::save`] wrote, for n samples and m neurons.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader, shape: (usize, usize)) -> Result<Self> {
        let [ties, at] = from.numbers("ties")?;
        if !(ties >= 0.0 && ties.fract() == 0.0 && ties <= (shape.0 * shape.1) as f64) {
            return Err(from.wrong("ties", ties));
        }
        Ok(Self {
            solved: Question::restore(&from.within("limit"), shape)?,
            slid: Question::restore(&from.within("slid"), shape)?,
            chattering: from.flag("chattering")?,
            ties: (ties as u64, at),
            rays: rays::Memory::restore(&from.within("rays"), shape)?,
        })
    }
}

impl Monitor {
    /// What later rows depend on.
    pub fn memory(&self) -> Memory {
        Memory {
            solved: self.solved.as_ref().map(Solved::question),
            slid: self.slid.as_ref().map(Solved::question),
            chattering: self.chattering,
            ties: self.ties,
            rays: self.memory_of_rays(),
        }
    }

    /// Goes on as the monitor that remembered this would: its limits are solved again, as it solved them.
    pub fn remember(&mut self, memory: &Memory) {
        if let Some(Question { pattern, warm, .. }) = &memory.solved {
            self.solve(pattern, warm);
        }
        if let (Some(Question { pattern, warm, from }), Some(gram)) = (&memory.slid, self.problem.data.gram().cloned())
        {
            self.slide(&gram, pattern, Some(&warm[..]).filter(|warm| !warm.is_empty()), from);
        }
        (self.chattering, self.ties) = (memory.chattering, memory.ties);
        self.remember_rays(&memory.rays);
    }
}
