//! The averaged iterate in a state, from which it goes on in the same bits.

use super::Sliding;
use super::distance::Distance;
use super::events::Event;
use super::kicks::Kicks;
use super::mode::{Mode, Place};
use super::ripple::Ripple;
use crate::descent::compensated::Compensated;
use crate::descent::span::SpanProblem;
use crate::engine::Flips;
use crate::number::COUNTABLE;
use crate::state::{Reader, Result, Saver, StateError};
use std::sync::Arc;

impl Sliding {
    /// Writes all of it; events are told of the run, beside its path.
    pub fn save(&self, out: &mut Saver) {
        out.number("t", self.t);
        out.vector("log_t", [self.u.0, self.u.1]);
        out.number("length", self.length);
        out.number("emptied", self.emptied);
        out.vector("flips", [self.flips.count as f64, self.flips.last]);
        self.c.save(out, "coefficients");
        self.z.save(out, "preactivations");
        self.q.save(out, "margins");
        out.choices("places", &Place::ALL, self.mode.places.iter().copied());
        self.ripple.save(&mut out.within("ripple"));
        self.distance.save(&mut out.within("distance"));
        let mut out = out.beside();
        out.number("origin", self.origin);
        out.number("spent", self.spent);
        let mut out = out.within("events");
        out.vector("t", self.events.iter().map(|event| event.t).collect::<Vec<_>>());
        out.vector("sample", self.events.iter().map(|event| event.sample as f64).collect::<Vec<_>>());
        out.vector("neuron", self.events.iter().map(|event| event.neuron as f64).collect::<Vec<_>>());
        out.choices("from", &Place::ALL, self.events.iter().map(|event| event.from));
        out.choices("to", &Place::ALL, self.events.iter().map(|event| event.to));
    }

    /// Reads what [`Sliding::save`] wrote; for gradient flow with its unit of time.
    ///
    /// # Errors
    /// If a field is missing or cannot be, or if the slopes of the saved places are not determined.
    pub fn restore(problem: &Arc<SpanProblem>, from: &Reader, flow: Option<f64>) -> Result<Self> {
        let (n, m) = (problem.n(), problem.network.width);
        let places = from.choices("places", &Place::ALL)?;
        if places.len() != n * m {
            return Err(StateError::Contradiction("sliding.places"));
        }
        let mode = Mode::new(problem, places).ok_or(StateError::Contradiction("sliding.places"))?;
        let pair = |name, length| Compensated::restore(from, name, length);
        let (c, z) = (pair("coefficients", n * m)?, pair("preactivations", n * m)?);
        let ripple = Ripple::restore(&from.within("ripple"), n)?;
        let distance = Distance::restore(&from.within("distance"), n, m)?;
        let mut sliding = Self::assemble(c, z, mode, ripple, distance, Flips::restore(from)?);
        let [hi, lo] = from.numbers("log_t")?;
        (sliding.t, sliding.u, sliding.q) = (from.time("t")?, (hi, lo), pair("margins", n)?);
        sliding.flow = flow;
        sliding.length = from.number("length", |length| !(length > 0.0 && length.is_finite()))?;
        sliding.emptied = from.time("emptied")?;
        (sliding.origin, sliding.spent) = (from.number("origin", |_| false)?, from.number("spent", |s| s < 0.0)?);
        sliding.events = events(&from.within("events"), n, m)?;
        Ok(sliding)
    }
}

fn events(from: &Reader, n: usize, m: usize) -> Result<Vec<Event>> {
    let times = from.any("t")?;
    let below = |name, count: usize| from.counts(name, (count as u64).saturating_sub(1).min(COUNTABLE as u64));
    let (samples, neurons) = (below("sample", n)?, below("neuron", m)?);
    let (before, after) = (from.choices("from", &Place::ALL)?, from.choices("to", &Place::ALL)?);
    if [samples.len(), neurons.len(), before.len(), after.len()] != [times.len(); 4] {
        return Err(StateError::Contradiction("sliding.events"));
    }
    let event = |k: usize| Event {
        t: times[k],
        sample: samples[k] as usize,
        neuron: neurons[k] as usize,
        from: before[k],
        to: after[k],
    };
    Ok((0..times.len()).map(event).collect())
}

impl Ripple {
    fn save(&self, out: &mut Saver) {
        out.vector("mean", &self.mean[..]);
        out.vector("size", &self.size[..]);
        out.vector("doubt", &self.doubt[..]);
    }

    fn restore(from: &Reader, n: usize) -> Result<Self> {
        let vector = |name| from.vector(name, n);
        Ok(Self { mean: vector("mean")?, size: vector("size")?, doubt: vector("doubt")? })
    }
}

impl Distance {
    fn save(&self, out: &mut Saver) {
        out.number("since", self.since);
        out.vector("weights", &self.weights[..]);
        let mut out = out.beside(); // claims, on which no step depends
        out.number("bound", self.bound);
        out.number("kicked", self.kicked);
        out.vector("shifts", &self.shifts[..]);
        out.number("disagreement", self.disagreement);
        let mut out = out.within("kicks");
        out.vector("length", &self.kicks.lengths[..]);
        out.vector("margins", &self.kicks.margins[..]);
        out.vector("sums", &self.kicks.sums[..]);
        out.vector("coefficients", &self.kicks.coefficients[..]);
    }

    fn restore(from: &Reader, n: usize, m: usize) -> Result<Self> {
        let number = |name| from.number(name, |_| false);
        Ok(Self {
            bound: number("bound")?,
            kicked: number("kicked")?,
            shifts: from.vector("shifts", Self::followed(n, m))?,
            kicks: Kicks::restore(&from.within("kicks"), n, m)?,
            disagreement: number("disagreement")?,
            since: number("since")?,
            weights: from.vector("weights", n)?,
        })
    }
}

impl Kicks {
    fn restore(from: &Reader, n: usize, m: usize) -> Result<Self> {
        let lengths = from.any("length")?;
        let vector = |name, each: usize| from.vector(name, lengths.len() * each);
        let (margins, sums, coefficients) = (vector("margins", n)?, vector("sums", n)?, vector("coefficients", n * m)?);
        Ok(Self { lengths: lengths.to_vec(), margins, sums, coefficients })
    }
}
