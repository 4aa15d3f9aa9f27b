//! The ray of data that cannot be separated in a pattern that stays, and how far the iterate is from it.
//!
//! It is solved for the whole pattern, or while neurons chatter for the sides of the own-sign pairs. A row is compared with it if
//! the row before showed the same sides, and if it is known, or costs no more by its model than the steps did so far; at the end
//! of a run that cannot go on it is solved whatever the steps did cost.

use super::{CHATTER, Monitor, Row};
use crate::certificate::Gradient;
use crate::engine::{Engine, Iterate};
use crate::inner_products::Imaged;
use crate::limit::ray::{self, NoRay, Ray};
use crate::network::Pattern;
use crate::problem::Problem;
use crate::slopes::Slopes;
use crate::state::{self, Reader, Saver};

/// Growth of t after which another ray may be solved for rows.
const GROWTH: f64 = 2.0;

/// What a ray is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sides {
    /// Every bit.
    Whole(Pattern),
    /// The own-sign pairs; the other bits are 0.
    Own(Pattern),
}

/// A ray, and the pairs that are on another side along it.
#[derive(Clone, Debug)]
struct Known {
    sides: Sides,
    ray: Result<(Ray, usize), NoRay>,
}

/// What is known of rays.
#[derive(Debug, Default)]
pub(super) struct Rays {
    seen: Option<Sides>,    // at the last row
    known: Option<Known>,   // the last one that the steps had paid for
    asked: f64,             // the t at which that was solved
    present: bool,          // whether the last row was compared with it
    reached: Option<Known>, // at the end of a run, if that is another one: a run that goes on has not heard of it
}

impl Rays {
    /// Another row is looked at.
    pub fn pass(&mut self) {
        (self.present, self.reached) = (false, None);
    }

    /// The ray that the last row was compared with.
    fn at_hand(&self) -> Option<&(Ray, usize)> {
        let known = self.reached.as_ref().or_else(|| self.known.as_ref().filter(|_| self.present))?;
        known.ray.as_ref().ok()
    }
}

/// What later rows depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    seen: Option<Sides>,
    known: Option<Sides>,
    asked: f64,
}

impl Memory {
    pub fn save(&self, out: &mut Saver) {
        out.vector("asked", [self.asked]);
        for (name, sides) in [("seen", &self.seen), ("known", &self.known)] {
            if let Some(sides) = sides {
                sides.save(&mut out.within(name));
            }
        }
    }

    pub fn restore(from: &Reader, shape: (usize, usize)) -> state::Result<Self> {
        let [asked] = from.numbers("asked")?;
        if asked.is_nan() || asked < 0.0 {
            return Err(from.wrong("asked", asked));
        }
        let [seen, known] = ["seen", "known"].map(|name| Sides::restore(&from.within(name), shape));
        Ok(Self { seen: seen?, known: known?, asked })
    }
}

impl Sides {
    fn save(&self, out: &mut Saver) {
        let (Self::Whole(pattern) | Self::Own(pattern)) = self;
        out.pattern("pattern", pattern);
        out.flag("own", matches!(self, Self::Own(_)));
    }

    fn restore(from: &Reader, shape: (usize, usize)) -> state::Result<Option<Self>> {
        if !from.has("pattern") {
            return Ok(None);
        }
        let pattern = from.pattern("pattern", shape)?;
        Ok(Some(if from.flag("own")? { Self::Own(pattern) } else { Self::Whole(pattern) }))
    }
}

/// An iterate as it is compared.
pub(super) struct At<'a> {
    /// The iterate.
    pub view: &'a dyn Iterate,
    /// Its pattern.
    pub pattern: &'a Pattern,
    /// `α c t s(q_i)`.
    pub scaled: &'a [f64],
    /// Its negative gradient.
    pub gradient: &'a Gradient,
    /// Whether neurons chatter.
    pub chatters: bool,
}

impl Monitor {
    /// The ray that the last row is compared with: nothing separates the data in its pattern, or in the sides of its own-sign
    /// pairs while neurons chatter.
    pub fn ray(&self) -> Option<&Ray> {
        self.rays.at_hand().map(|(ray, _)| ray)
    }

    /// Pairs (sample, neuron) that are on another side along [`Monitor::ray`] than the one it was solved for.
    pub fn pairs_off_the_ray(&self) -> usize {
        self.rays.at_hand().map_or(0, |(_, pairs)| *pairs)
    }

    /// Compares a row with the ray of its pattern, which is solved if steps have cost `worth` seconds.
    pub(super) fn follow_ray(&mut self, row: &mut Row, at: &At, worth: f64) {
        let sides = self.sides(at);
        let stays = self.rays.seen.as_ref() == Some(&sides);
        self.rays.seen = Some(sides.clone());
        if !stays {
            return;
        }
        if self.rays.known.as_ref().is_none_or(|known| known.sides != sides) {
            let young = row.t < CHATTER || row.t < GROWTH * self.rays.asked;
            if young || self.price(&sides) > worth {
                return;
            }
            self.rays.asked = row.t;
            self.rays.known = Some(self.solve_ray(sides));
        }
        let known = self.rays.known.as_ref().and_then(|known| known.ray.as_ref().ok());
        self.rays.present = known.map(|(ray, _)| self.compare_with_ray(ray, row, at)).is_some();
    }

    /// Compares the last row of a run that ends because nothing separates the data, or because W has converged; the ray
    /// is solved if it is not known.
    pub(crate) fn reach(&mut self, row: &mut Row, engine: &mut dyn Engine) {
        if self.ray().is_some() || row.min_margin > 0.0 || !row.finite {
            return;
        }
        let scaled = engine.scaled_losses();
        let view = engine.iterate();
        let (pattern, q) = (self.pattern(view), self.margins(view));
        let averaged = view.slopes().map(|values| Slopes::averaged(values, &self.problem.network));
        let chatters = self.chatter(view, row);
        let slopes = averaged.unwrap_or_else(|| Slopes::of_pattern(&pattern, &self.problem.network));
        let data = crate::certificate::Data::of(&self.problem, &*self.products);
        let gradient = Gradient::new(&data, self.problem.loss, &q, &slopes);
        let scaled = scaled.unwrap_or_else(|| self.scaled_losses(row.t, &q));
        for chatters in [chatters, false] {
            let at = At { view, pattern: &pattern, scaled: &scaled, gradient: &gradient, chatters };
            let sides = self.sides(&at);
            let known = self.rays.known.as_ref().filter(|known| known.sides == sides).cloned();
            let known = known.unwrap_or_else(|| self.solve_ray(sides));
            if let Ok((ray, _)) = &known.ray {
                self.compare_with_ray(ray, row, &at);
                self.rays.reached = Some(known);
                return;
            }
        }
    }

    fn sides(&self, at: &At) -> Sides {
        if at.chatters { Sides::Own(self.own_sides(at.pattern)) } else { Sides::Whole(at.pattern.clone()) }
    }

    /// Seconds by a model.
    fn price(&self, sides: &Sides) -> f64 {
        let (data, network) = (&self.problem.data, &self.problem.network);
        let (Sides::Whole(pattern) | Sides::Own(pattern)) = sides;
        let groups = pattern.groups(network).len();
        ray::price(data.n(), data.d(), groups, matches!(sides, Sides::Own(_)))
    }

    fn solve_ray(&self, sides: Sides) -> Known {
        let Problem { data, network, loss, .. } = &self.problem;
        let (x, y, loss) = (data.samples().view(), data.y(), *loss);
        let ray = match (&sides, data.gram().zip(x)) {
            (_, None) => Err(NoRay::TooLarge),
            (Sides::Whole(pattern), Some((k, x))) => Ray::of_pattern(x, y, network, pattern, loss).map(|ray| {
                let off = ray.inconsistent(k, network, false, |i, j| Some(pattern.get(i, j))).len();
                (ray, off)
            }),
            (Sides::Own(own), Some((k, x))) => Ray::with_sides(x, y, network, own, loss).map(|ray| {
                let side = |i: usize, j: usize| (network.sign(j) * y[i] > 0.0).then(|| own.get(i, j));
                let off = ray.inconsistent(k, network, false, side).len();
                (ray, off)
            }),
        };
        Known { sides, ray }
    }

    /// The gaps to a ray, if it goes anywhere; the loss above its floor.
    fn compare_with_ray(&self, ray: &Ray, row: &mut Row, at: &At) {
        let floor = libm::log(self.problem.loss_constant) + libm::log(ray.floor);
        row.loss_above_floor = Some(libm::expm1(row.log_loss - floor));
        if let Some(direction) = ray.along(&self.problem.network) {
            let direction = Imaged::new(&*self.products, direction);
            let length = direction.norm();
            self.gaps(row, at.view, at.gradient, &direction.scaled(-1.0 / length));
            row.dual_gap = Some(self.dual_gap(at.scaled, &ray.lambda, |i| ray.bounded.binary_search(&i).is_err()));
        }
    }

    /// What later rows depend on.
    pub(super) fn memory_of_rays(&self) -> Memory {
        let Rays { seen, known, asked, .. } = &self.rays;
        Memory { seen: seen.clone(), known: known.as_ref().map(|known| known.sides.clone()), asked: *asked }
    }

    /// Goes on as the monitor that remembered this would: its ray is solved again.
    pub(super) fn remember_rays(&mut self, memory: &Memory) {
        let Memory { seen, known, asked } = memory.clone();
        let known = known.map(|sides| self.solve_ray(sides));
        self.rays = Rays { seen, known, asked, ..Rays::default() };
    }
}
