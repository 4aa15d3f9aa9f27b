//! The limit of recorded problems against solutions computed with many digits.

use farfield::geometry::{Geometry, Gram};
use farfield::limit::{Limit, Prediction};
use farfield::matrix::Matrix;
use farfield::network::{Network, Pattern};
use serde_json::Value;

struct Vector {
    x: Matrix,
    y: Vec<f64>,
    network: Network,
    limit: Value,
}

fn numbers(v: &Value) -> Vec<f64> {
    let number = |v: &Value| v.as_f64().unwrap_or_else(|| v.as_str().unwrap().parse().unwrap());
    v.as_array().unwrap().iter().map(number).collect()
}

fn read(name: &str) -> Vector {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let v: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let size = |key: &str| v[key].as_u64().unwrap() as usize;
    let rows: Vec<f64> = v["X"].as_array().unwrap().iter().flat_map(numbers).collect();
    Vector {
        x: Matrix::new(size("n"), size("d"), rows),
        y: numbers(&v["y"]),
        network: Network {
            width: size("positive") + size("negative"),
            positive: size("positive"),
            leak: v["leak"].as_f64().unwrap(),
        },
        limit: v["limit"].clone(),
    }
}

fn gram(x: &Matrix) -> Gram {
    let mut k = Matrix::zeros(x.rows(), x.rows());
    for i in 0..x.rows() {
        for l in 0..x.rows() {
            k[(i, l)] = x.row(i).iter().zip(x.row(l)).fold(0.0, |s, (a, b)| a.mul_add(*b, s));
        }
    }
    Gram(k)
}

fn assert_close(got: f64, expected: f64, what: &str) {
    assert!((got - expected).abs() <= 1e-12 * expected.abs(), "{what}: {got} instead of {expected}");
}

#[test]
fn activated_limits() {
    for name in ["activated", "odd_width_mean"] {
        let v = read(name);
        let pattern = Pattern::activated(&v.network, &v.y);
        let k = gram(&v.x);
        let Prediction::Limit(limit) = Limit::of_pattern(&k, &v.y, &v.network, &pattern, None) else {
            panic!("{name} is separable");
        };
        assert!(limit.consistent(), "{name}: {:?}", limit.inconsistent);
        assert!(limit.kkt_residual <= 1e-13, "{name}: {}", limit.kkt_residual);
        let margin: f64 = v.limit["max_margin"].as_str().unwrap().parse().unwrap();
        assert_close(limit.max_margin, margin, name);
        assert_close(k.norm(&limit.span), limit.norm, name);
        for (got, expected) in limit.lambda.iter().zip(numbers(&v.limit["dual"])) {
            assert_close(*got, expected, name);
        }
        assert!(limit.nu > 0.0 && limit.nu <= 1.0, "{name}: {}", limit.nu);
        // the boundary classifies every training sample correctly
        let boundary = limit.boundary(&v.x);
        for i in 0..v.y.len() {
            let side: f64 = v.x.row(i).iter().zip(&boundary).map(|(x, w)| x * w).sum();
            assert!(v.y[i] * side > 0.0, "{name}: sample {i}");
        }
    }
}

#[test]
fn chattering_has_no_consistent_limit_in_the_activated_pattern() {
    let v = read("chattering");
    let pattern = Pattern::activated(&v.network, &v.y);
    match Limit::of_pattern(&gram(&v.x), &v.y, &v.network, &pattern, None) {
        Prediction::Limit(limit) => assert!(!limit.consistent()),
        Prediction::NotSeparable(farkas) => assert!(farkas.relative < 1e-12),
        Prediction::Unresolved(best) => panic!("residual {}", best.kkt_residual),
    }
}
