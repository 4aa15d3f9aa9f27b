//! What the warp keeps between stretches, and in a flight.

use super::clear::Window;
use super::history::{KEPT, MOST};
use super::{Clock, Warp, with_images};
use crate::descent::settled::Settled;
use crate::state::{Reader, Result, Saver, StateError};

impl Warp {
    /// Writes what later stretches depend on; nodes and window only in a flight.
    pub fn save(&self, out: &mut Saver, flying: bool) {
        let none = (Vec::new(), Window::default());
        let (history, window) = if flying { (&self.history, &self.window) } else { (&none.0, &none.1) };
        out.number("length", self.plan.length);
        out.count("order", if flying { self.plan.order as u64 } else { 1 });
        out.vector("clock", [self.clock.t, self.clock.u.0, self.clock.u.1]);
        out.vector("drift", &self.drift[..]);
        out.number("lag", self.lag);
        out.vector("nodes", history.iter().map(|node| node.x).collect::<Vec<f64>>());
        out.vector("scaled", history.iter().flat_map(|node| &node.e).copied().collect::<Vec<f64>>());
        window.save(&mut out.within("window"));
    }

    /// Takes back what [`Warp::save`] wrote, `settled` where a flight goes on; the images follow from the nodes.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(&mut self, from: &Reader, settled: Option<&Settled>) -> Result<()> {
        let n = self.n;
        self.plan.length = from.number("length", |length| !(length > 0.0 && length.is_finite()))?;
        self.plan.order = from.count("order")? as usize;
        let [t, hi, lo] = from.numbers("clock")?;
        self.clock = Clock { t, u: (hi, lo) };
        self.drift = from.vector("drift", n)?;
        self.lag = from.number("lag", |lag| !(0.0..f64::INFINITY).contains(&lag))?;
        let x = from.any("nodes")?;
        let scaled = from.slice("scaled", x.len() * n)?;
        let ordered = x.windows(2).all(|pair| pair[1] < pair[0] && pair[1].is_finite());
        let begun = if settled.is_some() { x.first() == Some(&0.0) } else { x.is_empty() };
        let (orders, kept) = (1..=MOST.min(x.len()).max(1), x.len() <= KEPT);
        if !(ordered && begun && kept && orders.contains(&self.plan.order)) {
            return Err(StateError::Contradiction("warp.nodes"));
        }
        let nodes = x.iter().zip(scaled.chunks_exact(n)).map(|(x, e)| (*x, e.to_vec())).collect();
        self.history = settled.map_or_else(Vec::new, |settled| with_images(settled, nodes));
        self.window = Window::restore(&from.within("window"), n)?;
        Ok(())
    }
}
