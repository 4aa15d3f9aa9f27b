//! Plain steps go where the ray says, on data that are partly separable, linear and leaky.
//!
//! With `e_i = α t ℓ_i` on C, u = log t, and rows projected across S, the steps follow, up to terms in 1/t,
//!
//! ```text
//! d log e/du = 1 − H e,   H = ⟨Φ̃_i, Φ̃_k⟩ on C,        W(t₂) − W(t₁) = Σ_C Φ̃_i ∫ e_i du  across S
//! V(t) − V∞ = A⁻¹ Σ_C e_i Π Φ_i/(α t),   A = Σ_S ℓ_i Φ_i Φ_iᵀ at V∞;      Σ_S ℓ − L∞/c = ½ eᵀBe/(α t)²,   B = ⟨ΠΦ_i, A⁻¹ ΠΦ_k⟩
//! ```
//!
//! None of these closes like 1/log t, so each is held to a few parts of 1/t; and e of that flow, carried on, comes to λ.
//!
//! *How far the flow may be from the steps.* Steps lie on the flow of `F − ½F′F + …`: its first term moves log e by
//! (He)_i/2t per unit of u, and V − V∞ moves the losses on C by (Be)_i/αt. So the velocity of W across S is off by
//! `r = Σ_C e_i ((He)_i/2 + (Be)_i/α) Φ̃_i/t`, and as a flow down a convex function does not expand, W by `∫‖r‖ du ≤ R/t₀`, R the
//! largest `t‖r‖`, and log e_i by `√H_ii R/t₀ + |Be|_i (1/t₀ + 1/t)/α`. Twice that is allowed, which leaves room for the next order.
//!
//! *S.* In the norm of A, δ = V − V∞ as above has length √(eᵀBe)/αt. It lags by `(αA)⁻¹ dδ/dt`, at most `√(vᵀBv)/(αt · αμt)`,
//! `v_i = e_i (He)_i`, μ the least eigenvalue of A; and the third derivative of the loss moves it by at most ½ max|Φδ| of its
//! length. A margin on S changes by at most that over √ℓ_i.
//!
//! `FARFIELD_RAYS=200 cargo test --test ray_steps` asks for so many problems.

mod rays;

use farfield::Loss;
use farfield::limit::ray::Ray;
use rays::{Case, dot, leaky, linear, norm};

/// Linear and leaky problems in which nothing separates all samples and something separates some.
fn problems(count: usize) -> Vec<(String, Case, Ray)> {
    let case = |seed: usize| {
        let s = seed as u64;
        match seed % 2 {
            0 => (format!("linear {seed}"), linear(3 + seed % 7, 1 + seed % 3, 2 + seed % 5, 5 + seed % 8, s)),
            _ => (format!("leaky {seed}"), leaky(8 + seed % 8, 2 + seed % 3, s)),
        }
    };
    let partly = |(what, c): (String, Case)| {
        let ray = Ray::of_pattern(&c.x, &c.y, &c.network, &c.pattern, Loss::Exponential).ok()?;
        ray.max_margin.is_some().then_some((what, c, ray))
    };
    (0..).map(case).filter_map(partly).take(count).collect()
}

/// Rows that span those of S, orthonormal, each orthogonalized twice.
fn basis(rows: &[Vec<f64>], bounded: &[usize]) -> Vec<Vec<f64>> {
    let mut q: Vec<Vec<f64>> = Vec::new();
    for &i in bounded {
        let v = reject(&q, &rows[i]);
        if norm(&v) > 1e-9 * norm(&rows[i]) {
            let length = norm(&v);
            q.push(v.iter().map(|v| v / length).collect());
        }
    }
    q
}

fn reject(q: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    let mut v = v.to_vec();
    for q in q.iter().chain(q) {
        let along = dot(q, &v);
        v.iter_mut().zip(q).for_each(|(v, q)| *v -= along * q);
    }
    v
}

/// Solves `A x = b` for a symmetric positive definite A by Cholesky.
fn solve(a: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut l = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let sum = a[i][j] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            l[i][j] = if i == j { sum.sqrt() } else { sum / l[j][j] };
        }
    }
    let mut x = b.to_vec();
    for i in 0..n {
        x[i] = (x[i] - (0..i).map(|k| l[i][k] * x[k]).sum::<f64>()) / l[i][i];
    }
    for i in (0..n).rev() {
        x[i] = (x[i] - (i + 1..n).map(|k| l[k][i] * x[k]).sum::<f64>()) / l[i][i];
    }
    x
}

fn apply(a: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    a.iter().map(|a| dot(a, v)).collect()
}

/// What the ray says of a problem, computed here from its rows, S and V∞.
struct Expected {
    others: Vec<usize>,
    across: Vec<Vec<f64>>, // Φ̃_i, i in C
    h: Vec<Vec<f64>>,
    b: Vec<Vec<f64>>,
    moved: Vec<Vec<f64>>, // A⁻¹ Π Φ_i in the basis, i in C
    q: Vec<Vec<f64>>,     // basis of L
    slowest: f64,         // the least eigenvalue of A
    steepest: f64,        // the largest loss at V∞
}

impl Expected {
    fn new(rows: &[Vec<f64>], ray: &Ray) -> Self {
        let others: Vec<usize> = (0..rows.len()).filter(|i| !ray.bounded.contains(i)).collect();
        let q = basis(rows, &ray.bounded);
        let losses: Vec<f64> = ray.margins.iter().map(|q| (-q).exp()).collect();
        let inner = |i: usize| -> Vec<f64> { q.iter().map(|q| dot(q, &rows[i])).collect() };
        let members: Vec<Vec<f64>> = ray.bounded.iter().map(|&i| inner(i)).collect();
        let entry = |r: usize, c: usize| losses.iter().zip(&members).map(|(l, m)| l * m[r] * m[c]).sum();
        let a: Vec<Vec<f64>> = (0..q.len()).map(|r| (0..q.len()).map(|c| entry(r, c)).collect()).collect();
        let inside: Vec<Vec<f64>> = others.iter().map(|&i| inner(i)).collect();
        let moved: Vec<Vec<f64>> = inside.iter().map(|v| solve(&a, v)).collect();
        let across: Vec<Vec<f64>> = others.iter().map(|&i| reject(&q, &rows[i])).collect();
        let products =
            |l: &[Vec<f64>], r: &[Vec<f64>]| l.iter().map(|a| r.iter().map(|b| dot(a, b)).collect()).collect();
        // the least eigenvalue by inverse iteration
        let mut v: Vec<f64> = (0..q.len()).map(|k| 1.0 + 0.1 * k as f64).collect();
        let mut slowest = f64::INFINITY;
        for _ in 0..200 {
            let w = solve(&a, &v);
            slowest = norm(&v) / norm(&w);
            let length = norm(&w);
            v = w.iter().map(|w| w / length).collect();
        }
        let steepest = losses.iter().copied().fold(1.0, f64::max);
        Self {
            h: products(&across, &across),
            b: products(&inside, &moved),
            others,
            across,
            moved,
            q,
            slowest,
            steepest,
        }
    }

    /// Carries e from u to another; e and ∫ e du.
    fn flow(&self, e: &[f64], from: f64, to: f64) -> (Vec<f64>, Vec<f64>) {
        let steps = ((to - from) * 64.0).ceil().max(1.0);
        let du = (to - from) / steps;
        let mut y: Vec<f64> = e.iter().map(|e| e.ln()).collect();
        let mut integral = vec![0.0; y.len()];
        let speed = |y: &[f64]| {
            let e: Vec<f64> = y.iter().map(|y| y.exp()).collect();
            let velocity: Vec<f64> = apply(&self.h, &e).iter().map(|he| 1.0 - he).collect();
            (velocity, e)
        };
        let moved = |y: &[f64], k: &[f64], s: f64| -> Vec<f64> { y.iter().zip(k).map(|(y, k)| y + s * k).collect() };
        for _ in 0..steps as usize {
            let (k1, e1) = speed(&y);
            let (k2, e2) = speed(&moved(&y, &k1, 0.5 * du));
            let (k3, e3) = speed(&moved(&y, &k2, 0.5 * du));
            let (k4, e4) = speed(&moved(&y, &k3, du));
            for i in 0..y.len() {
                y[i] += du / 6.0 * (k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i]);
                integral[i] += du / 6.0 * (e1[i] + 2.0 * (e2[i] + e3[i]) + e4[i]);
            }
        }
        (y.iter().map(|y| y.exp()).collect(), integral)
    }

    /// R, from e.
    fn disturbance(&self, e: &[f64], step: f64) -> f64 {
        let (he, be) = (apply(&self.h, e), apply(&self.b, e));
        let v: Vec<f64> = (0..e.len()).map(|i| e[i] * (0.5 * he[i] + be[i].abs() / step)).collect();
        dot(&v, &apply(&self.h, &v)).max(0.0).sqrt()
    }
}

impl Expected {
    /// The margins on S and their loss at t, each with what is allowed.
    fn on_the_floor(
        &self,
        ray: &Ray,
        rows: &[Vec<f64>],
        e: &[f64],
        step: f64,
        t: f64,
    ) -> (Vec<(f64, f64)>, (f64, f64)) {
        let scale = 1.0 / (step * t);
        let mut shift = vec![0.0; self.q.len()];
        self.moved.iter().zip(e).for_each(|(m, e)| shift.iter_mut().zip(m).for_each(|(s, m)| *s += scale * e * m));
        let along = |i: usize| self.q.iter().zip(&shift).map(|(q, v)| v * dot(q, &rows[i])).sum::<f64>();
        let moved: Vec<f64> = ray.bounded.iter().map(|&i| along(i)).collect();
        let most = moved.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let length = |e: &[f64]| scale * dot(e, &apply(&self.b, e)).max(0.0).sqrt();
        let speed: Vec<f64> = e.iter().zip(apply(&self.h, e)).map(|(e, he)| e * he).collect();
        let rest = length(&speed) / (step * self.slowest * t) + 0.5 * most * length(e);
        let margin = |(q, m): (&f64, &f64)| (q + m, 2.0 * rest * (0.5 * q).exp() + ROUNDING);
        let margins = ray.margins.iter().zip(&moved).map(margin).collect();
        let above = 0.5 * length(e).powi(2);
        let allowed = 2.0 * (length(e) * rest + 0.5 * rest * rest + most * above / 3.0) + 1e-13 * ray.floor;
        (margins, (ray.floor + above, allowed))
    }
}

/// What margins of 10⁶ steps and of V∞, whose loss is known to 1e-14, may be off by.
const ROUNDING: f64 = 1e-7;

/// What plain steps show at one t.
struct Seen {
    t: f64,
    w: Vec<f64>,
    q: Vec<f64>,
}

/// From W = 0 to the last of the given t, all rows with one step.
fn steps(rows: &[Vec<f64>], step: f64, at: &[u32]) -> Vec<Seen> {
    let mut w = vec![0.0; rows[0].len()];
    let mut seen = Vec::new();
    let margins = |w: &[f64]| -> Vec<f64> { rows.iter().map(|r| dot(r, w)).collect() };
    for t in 1..=*at.last().unwrap() {
        let q = margins(&w);
        for (q, r) in q.iter().zip(rows) {
            let pull = step * (-q).exp();
            w.iter_mut().zip(r).for_each(|(w, r)| *w += pull * r);
        }
        if at.contains(&t) {
            seen.push(Seen { t: f64::from(t), q: margins(&w), w: w.clone() });
        }
    }
    seen
}

/// The largest eigenvalue of ΦΦᵀ.
fn largest(rows: &[Vec<f64>]) -> f64 {
    let mut v = vec![1.0; rows.len()];
    let mut value = 0.0;
    for _ in 0..200 {
        let mut sum = vec![0.0; rows[0].len()];
        rows.iter().zip(&v).for_each(|(r, v)| sum.iter_mut().zip(r).for_each(|(s, r)| *s += v * r));
        let w: Vec<f64> = rows.iter().map(|r| dot(r, &sum)).collect();
        value = norm(&w) / norm(&v);
        v = w.iter().map(|x| x / norm(&w)).collect();
    }
    value
}

/// The largest of what was found relative to what is allowed.
#[derive(Debug, Default)]
struct Worst {
    losses: f64,
    way: f64,
    offset: f64,
    floor: f64,
    dual: f64,
    gap: f64, // to λ far beyond, in units of the largest
}

/// Holds one problem against its steps; false if S relaxes too slowly for 10⁴ steps.
fn check(what: &str, c: &Case, ray: &Ray, worst: &mut Worst) -> bool {
    let rows = c.features();
    let x = Expected::new(&rows, ray);
    let step = 0.5 / (largest(&rows) * x.steepest);
    let start = 1e4;
    if step * x.slowest * start < 40.0 {
        return false;
    }
    let seen = steps(&rows, step, &[10_000, 100_000, 1_000_000]);
    let scaled = |s: &Seen| -> Vec<f64> { x.others.iter().map(|&i| step * s.t * (-s.q[i]).exp()).collect() };
    let (early, late) = (&seen[0], &seen[2]);
    let e = scaled(early);
    let disturbance = (0..=20).map(|k| x.flow(&e, 0.0, 0.25 * f64::from(k)).0).map(|e| x.disturbance(&e, step));
    let off = disturbance.fold(0.0, f64::max) / start;

    // losses on C and the way across S, from 10⁴ to 10⁶
    let (flown, integral) = x.flow(&e, early.t.ln(), late.t.ln());
    let now = scaled(late);
    let (b0, b1) = (apply(&x.b, &e), apply(&x.b, &now));
    for i in 0..x.others.len() {
        let shift = (b0[i].abs() / early.t + b1[i].abs() / late.t) / step;
        let allowed = 2.0 * (x.h[i][i].sqrt() * off + shift) + 1e-9;
        worst.losses = worst.losses.max((now[i] / flown[i]).ln().abs() / allowed);
    }
    let way: Vec<f64> = late.w.iter().zip(&early.w).map(|(a, b)| a - b).collect();
    let mut rest = reject(&x.q, &way);
    x.across.iter().zip(&integral).for_each(|(f, s)| rest.iter_mut().zip(f).for_each(|(r, f)| *r -= s * f));
    worst.way = worst.way.max(norm(&rest) / (2.0 * off + 1e-9));

    // S: margins are V∞'s but for the pull of C, and the loss is at its floor to second order
    for s in &seen {
        let e = scaled(s);
        let (margins, loss) = x.on_the_floor(ray, &rows, &e, step, s.t);
        for (k, &i) in ray.bounded.iter().enumerate() {
            worst.offset = worst.offset.max((s.q[i] - margins[k].0).abs() / margins[k].1);
        }
        let sum: f64 = ray.bounded.iter().map(|&i| (-s.q[i]).exp()).sum();
        worst.floor = worst.floor.max((sum - loss.0).abs() / loss.1);
    }

    // far beyond, e is λ: what is left decays like a power of t, so it is less than what the second half of the way changed
    let (half, _) = x.flow(&flown, 0.0, 750.0);
    let (end, _) = x.flow(&half, 0.0, 750.0);
    let top = ray.lambda.iter().copied().fold(0.0, f64::max);
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / top;
    let lambda: Vec<f64> = x.others.iter().map(|&i| ray.lambda[i]).collect();
    let gap = distance(&end, &lambda);
    worst.gap = worst.gap.max(gap);
    worst.dual = worst.dual.max(gap / (distance(&end, &half) + 1e-9));
    let most = [worst.losses, worst.way, worst.offset, worst.floor, worst.dual].into_iter().fold(0.0, f64::max);
    assert!(most < 1.0, "{what}: {worst:?}");
    true
}

#[test]
fn plain_steps_follow_the_ray() {
    let count = std::env::var("FARFIELD_RAYS").map_or(16, |v| v.parse().expect("FARFIELD_RAYS is a number"));
    let (mut worst, mut slow) = (Worst::default(), 0);
    for (what, c, ray) in problems(count) {
        slow += usize::from(!check(&what, &c, &ray, &mut worst));
    }
    println!("{count} problems, {slow} of them too slow: {worst:?}");
    assert!(slow <= count / 4, "{slow} of {count}");
}
