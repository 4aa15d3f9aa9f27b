//! The gram engine against trajectories computed in 60-digit arithmetic (tests/vectors).

use farfield::descent::gram::{Problem, Start};
use farfield::descent::horizon::{Horizon, Options};
use farfield::descent::{Engine, Flips, Reached, Stop};
use farfield::geometry::Gram;
use farfield::matrix::Matrix;
use farfield::network::{Network, Pattern};
use serde_json::Value;
use std::sync::Arc;

fn numbers(v: &Value) -> Vec<f64> {
    let number = |v: &Value| v.as_f64().unwrap_or_else(|| v.as_str().unwrap().parse().unwrap());
    v.as_array().unwrap().iter().map(number).collect()
}

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap_or_else(|| v.as_str().unwrap().parse().unwrap())
}

fn matrix(v: &Value) -> Matrix {
    let rows: Vec<Vec<f64>> = v.as_array().unwrap().iter().map(numbers).collect();
    Matrix::new(rows.len(), rows[0].len(), rows.concat())
}

/// `A Bᵀ`, row-major.
fn product(a: &Matrix, b: &Matrix) -> Vec<f64> {
    let dot = |i, j| a.row(i).iter().zip(b.row(j)).fold(0.0, |s: f64, (x, y)| x.mul_add(*y, s));
    (0..a.rows()).flat_map(|i| (0..b.rows()).map(move |j| (i, j))).map(|(i, j)| dot(i, j)).collect()
}

struct Vector {
    json: Value,
    problem: Arc<Problem>,
    y: Vec<f64>,
    c: f64,
}

fn vector(name: &str) -> Vector {
    let text = std::fs::read_to_string(format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let (x, w0, y) = (matrix(&json["X"]), matrix(&json["W0"]), numbers(&json["y"]));
    let n = y.len();
    let network =
        Network { width: w0.rows(), positive: number(&json["positive"]) as usize, leak: number(&json["leak"]) };
    let c = if json["reduction"] == "mean" { 1.0 / n as f64 } else { 1.0 };
    let k = Arc::new(Gram(Matrix::new(n, n, product(&x, &x))));
    let start = Start::new(w0.clone(), product(&x, &w0));
    let rate = number(&json["step_size"]) * c;
    let problem = Arc::new(Problem::new(k, Some(Arc::new(x)), y.clone(), network, rate, start));
    Vector { json, problem, y, c }
}

fn close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{what}: {found} instead of {expected}");
}

fn agrees(name: &str) {
    for warp in [false, true] {
        agrees_with(name, Options { warp, ..Options::default() });
    }
}

fn agrees_with(name: &str, options: Options) {
    let Vector { json, problem, y, c } = vector(name);
    let mut engine = Horizon::new(problem.clone(), 0.0, Flips::default(), options);
    for point in json["checkpoints"].as_array().unwrap() {
        let t = number(&point["t"]);
        assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
        let flips = engine.flips();
        let view = engine.view();
        let q = problem.network.margins(view.preactivations(), &y);
        for (i, (q, expected)) in q.iter().zip(numbers(&point["margins"])).enumerate() {
            close(*q, expected, &format!("{name}, t = {t}, margin {i}"));
        }
        close(view.weight_norm(), number(&point["weight_norm"]), "weight norm");
        close(view.weights().norm(), number(&point["weight_norm"]), "norm of the weights");
        let log_loss = (c * q.iter().map(|q| (-q).exp()).sum::<f64>()).ln();
        assert!((log_loss - number(&point["log_loss"])).abs() < 1e-12, "{name}, t = {t}: log loss");
        let agreement = Pattern::sign_agreement(view.preactivations(), &y, &problem.network);
        assert!((agreement - number(&point["sign_agreement"])).abs() < 1e-11);
        assert_eq!(flips.count, number(&point["pattern_flips"]) as u64, "{name}, t = {t}: flips");
    }
    assert_eq!(engine.flips().last, number(&json["last_flip"]), "{name}: last flip");
}

#[test]
fn activated() {
    agrees("activated");
}

#[test]
fn chattering() {
    agrees("chattering");
}

#[test]
fn late_flips() {
    agrees("late_flips");
}

#[test]
fn odd_width_mean() {
    agrees("odd_width_mean");
}
