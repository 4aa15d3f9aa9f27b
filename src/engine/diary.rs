//! What happened on the way.

use crate::kind::{EngineKind, Precision};
use crate::number::COUNTABLE;
use crate::real;
use crate::rounding::Rounding;
use crate::state::{Reader, Result, Saver, StateError};
use serde::{Deserialize, Serialize};

/// A stretch of time travelled by one engine in one precision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// What moved the iterate.
    pub engine: EngineKind,
    /// Precision of the products.
    pub precision: Precision,
    /// First t.
    #[serde(with = "real")]
    pub from: f64,
    /// Last t.
    #[serde(with = "real")]
    pub to: f64,
    /// GD steps actually computed.
    pub steps_taken: u64,
    /// Wall-clock seconds.
    #[serde(with = "real")]
    pub seconds: f64,
    /// Estimate of the relative error in the margins introduced by this stretch beyond rounding;
    /// 0 where every step is taken.
    #[serde(with = "real")]
    pub error_estimate: f64,
}

/// Count of pattern changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flips {
    /// Number of changes of single bits `z_ij > 0` from one step to the next, since t = 0.
    pub count: u64,
    /// The first t whose pattern shows the last change; 0 if none.
    #[serde(with = "real")]
    pub last: f64,
}

impl Flips {
    /// Reads them from the field of this name.
    ///
    /// # Errors
    /// If it is missing or cannot be.
    pub fn restore(from: &Reader) -> Result<Self> {
        let [count, last] = from.numbers("flips")?;
        let whole = (0.0..=COUNTABLE).contains(&count) && count.fract() == 0.0;
        if whole && last.is_finite() && last >= 0.0 {
            Ok(Self { count: count as u64, last })
        } else {
            Err(from.wrong("flips", count))
        }
    }

    /// Counts `changes` bits that the pattern of t shows.
    pub fn note(&mut self, changes: u64, t: f64) {
        if changes > 0 {
            *self = Self { count: self.count + changes, last: t };
        }
    }
}

/// Fractions of the steps of a span that pairs spent on their positive side.
#[derive(Clone, Debug, PartialEq)]
pub struct Fractions {
    /// First t of the span.
    pub from: f64,
    /// First t after it.
    pub to: f64,
    /// For each pair (n×m, row-major).
    pub values: Vec<f64>,
}

/// Why steps are being taken one by one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Warp is switched off.
    Off,
    /// Bits of the pattern changed a few steps ago, or keep changing.
    Flips,
    /// The step size times the curvature is still too large for the modified field.
    Early,
    /// A pre-activation is about to reach zero, or may be.
    Near,
    /// Neurons chatter as sliding predicts, but averages are not yet exact enough; they will be at about this t, if
    /// their error falls like 1/t.
    Rough(f64),
}

/// Why a descent is not as fast, or not as exact, as was asked for, or why its limit is not known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// Every step is taken.
    Held(Hold),
    /// Steps are in f64 from t = `at` on: in mixed precision the margins drifted by `drift`.
    Escalated {
        /// The t.
        at: f64,
        /// The drift, in units of the margins.
        drift: f64,
    },
    /// Stagnation: updates are lost in rounding.
    Lost {
        /// The first t at which one was.
        first: f64,
        /// The first t at which half of them were.
        half: Option<f64>,
    },
    /// The limit for the present sides of the neurons has other sides: they still have to change.
    OtherSides {
        /// Number of pairs (sample, neuron) with another side.
        pairs: usize,
    },
    /// The present sides of the neurons do not separate the data.
    SidesNotSeparable,
    /// Whether the present sides of the neurons separate the data is undecided.
    SidesUndecided,
    /// Gradient flow has come to where it is not determined: so many neurons of a group slide that the inner products of their
    /// samples are singular, or no slopes there keep its sides.
    Undetermined,
    /// What is claimed of averages is void: their bound has grown, where pairs of one sign crossed slowly, to this part
    /// of the largest margin, more than ten times what was asked for.
    Void {
        /// The bound.
        error: f64,
    },
}

impl Remark {
    /// Why a descent is not, or no longer, what was asked for, where that is for its rounding.
    pub fn of(rounding: &Rounding) -> Option<Self> {
        if let Some(at) = rounding.escalated {
            return Some(Self::Escalated { at, drift: rounding.largest_drift });
        }
        Some(Self::Lost { first: rounding.first_lost?, half: rounding.half_lost })
    }
}

/// What happened on the way; nothing in it moves the iterate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diary {
    /// Changes of the pattern.
    pub flips: Flips,
    /// The stretches travelled so far, in order.
    pub segments: Vec<Segment>,
    /// The rounding, where products are not all in f64.
    pub rounding: Option<Rounding>,
    /// Why the descent is not what was asked for.
    pub remark: Option<Remark>,
    /// What chattered, by decades of t.
    pub decades: Vec<Fractions>,
}

impl Diary {
    /// Books a stretch: extends the last segment by it, or opens a new one if another engine or precision was at
    /// work. The estimate of a stretch is one of all its segment.
    pub fn travel(&mut self, stretch: Segment) {
        match self.segments.last_mut() {
            Some(last) if (last.engine, last.precision) == (stretch.engine, stretch.precision) => {
                last.to = stretch.to;
                last.steps_taken += stretch.steps_taken;
                last.seconds += stretch.seconds;
                last.error_estimate = stretch.error_estimate;
            }
            _ => self.segments.push(stretch),
        }
    }

    /// Writes the flips, the segments and the rounding; the rest an engine can say anew.
    pub fn save(&self, out: &mut Saver) {
        out.vector("flips", [self.flips.count as f64, self.flips.last]);
        let mut out = out.beside();
        if let Some(rounding) = &self.rounding {
            rounding.save(&mut out.within("rounding"));
        }
        let (mut out, segments) = (out.within("segments"), &self.segments);
        let mut numbers = |name: &str, number: &dyn Fn(&Segment) -> f64| {
            out.vector(name, segments.iter().map(number).collect::<Vec<_>>());
        };
        numbers("from", &|s| s.from);
        numbers("to", &|s| s.to);
        numbers("steps_taken", &|s| s.steps_taken as f64);
        numbers("seconds", &|s| s.seconds);
        numbers("error_estimate", &|s| s.error_estimate);
        out.choices("engine", &EngineKind::ALL, segments.iter().map(|s| s.engine));
        out.choices("precision", &Precision::ALL, segments.iter().map(|s| s.precision));
    }

    /// Reads what [`Self::save`] wrote.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader) -> Result<Self> {
        let flips = Flips::restore(from)?;
        let rounding = from.within("rounding");
        let rounding = rounding.has("largest_drift").then(|| Rounding::restore(&rounding)).transpose()?;
        let from = from.within("segments");
        let engines = from.choices("engine", &EngineKind::ALL)?;
        let (count, precisions) = (engines.len(), from.choices("precision", &Precision::ALL)?);
        let numbers = |name| from.slice(name, count);
        let (starts, ends) = (numbers("from")?, numbers("to")?);
        let (seconds, errors) = (numbers("seconds")?, numbers("error_estimate")?);
        let taken = from.counts("steps_taken", COUNTABLE as u64)?;
        if (precisions.len(), taken.len()) != (count, count) {
            return Err(StateError::Contradiction("segments"));
        }
        let segment = |k: usize| Segment {
            engine: engines[k],
            precision: precisions[k],
            from: starts[k],
            to: ends[k],
            steps_taken: taken[k],
            seconds: seconds[k],
            error_estimate: errors[k],
        };
        Ok(Self { flips, segments: (0..count).map(segment).collect(), rounding, ..Self::default() })
    }
}
