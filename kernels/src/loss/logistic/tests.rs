//! Against 60 digits (tests/vectors/logistic.py --table).

use super::*;
use crate::loss::{Loss, WithLoss};

/// q with s, log s, ℓ and log ℓ.
#[rustfmt::skip]
const EXACT: [(f64, [&str; 4]); 27] = [
    (-100000.0, ["1.0000000000000000000000000e+0", "-3.5629495653093731210711744e-43430", "1.0000000000000000000000000e+5", "1.1512925464970228420089957e+1"]),
    (-745.2, ["1.0000000000000000000000000e+0", "-2.3107453390093761631399736e-324", "7.4520000000000004547473509e+2", "6.6136526387274334522277373e+0"]),
    (-745.0, ["1.0000000000000000000000000e+0", "-2.8223507304719370763534401e-324", "7.4500000000000000000000000e+2", "6.6133842183795595155931876e+0"]),
    (-500.0, ["1.0000000000000000000000000e+0", "-7.1245764067412855315491574e-218", "5.0000000000000000000000000e+2", "6.2146080984221917426367422e+0"]),
    (-100.25, ["1.0000000000000000000000000e+0", "-2.8971980832101478071973611e-44", "1.0025000000000000000000000e+2", "4.6076670661866785670162148e+0"]),
    (-36.8, ["9.9999999999999989577712094e-1", "-1.0422287905595919663124115e-16", "3.6799999999999997262051936e+1", "3.6054978451748851700569273e+0"]),
    (-36.7, ["9.9999999999999988481590507e-1", "-1.1518409493076095658605820e-16", "3.6700000000000002957355038e+1", "3.6027767550605246681833216e+0"]),
    (-5.0, ["9.9330714907571514444063802e-1", "-6.7153484891180686164166877e-3", "5.0067153484891180686164167e+0", "1.6107800810205640516928017e+0"]),
    (-1.0, ["7.3105857863000487925115924e-1", "-3.1326168751822283404899549e-1", "1.3132616875182228340489955e+0", "2.7251388050258340255001389e-1"]),
    (-0.1, ["5.2497918747893998748350829e-1", "-6.4439666007357089219320389e-1", "7.4439666007357089774431902e-1", "-2.9518124096030923898427937e-1"]),
    (-1e-09, ["5.0000000025000000000000002e-1", "-6.9314718005994530954223209e-1", "6.9314718105994530954223215e-1", "-3.6651291986031680664779165e-1"]),
    (0.0, ["5.0000000000000000000000000e-1", "-6.9314718055994530941723212e-1", "6.9314718055994530941723212e-1", "-3.6651292058166432701243916e-1"]),
    (1e-09, ["4.9999999974999999999999998e-1", "-6.9314718105994530954223215e-1", "6.9314718005994530954223209e-1", "-3.6651292130301184753675515e-1"]),
    (0.1, ["4.7502081252106001251649171e-1", "-7.4439666007357089774431902e-1", "6.4439666007357089219320389e-1", "-4.3944081069465690686101343e-1"]),
    (0.7, ["3.3181222783183390331524114e-1", "-1.1031860488854578635174083e+0", "4.0318604888545790792632933e-1", "-9.0835716380213287203294648e-1"]),
    (1.0, ["2.6894142136999512074884076e-1", "-1.3132616875182228340489955e+0", "3.1326168751822283404899549e-1", "-1.1607163753888975773536515e+0"]),
    (2.5, ["7.5858180021243551193306177e-2", "-2.5788897342925496233440439e+0", "7.8889734292549623344043917e-2", "-2.5397041699559835217132784e+0"]),
    (5.0, ["6.6928509242848555593619804e-3", "-5.0067153484891180686164167e+0", "6.7153484891180686164166877e-3", "-5.0033595532399083387586831e+0"]),
    (18.4, ["1.0208960619374759694399278e-8", "-1.8400000010208959250400727e+1", "1.0208960671486198513040701e-8", "-1.8400000005104478919000248e+1"]),
    (36.7, ["1.1518409493076094995237034e-16", "-3.6700000000000002957355038e+1", "1.1518409493076095658605820e-16", "-3.6700000000000002899762991e+1"]),
    (36.8, ["1.0422287905595919120003689e-16", "-3.6799999999999997262051936e+1", "1.0422287905595919663124115e-16", "-3.6799999999999997209940496e+1"]),
    (100.25, ["2.8971980832101478071973611e-44", "-1.0025000000000000000000000e+2", "2.8971980832101478071973611e-44", "-1.0025000000000000000000000e+2"]),
    (500.0, ["7.1245764067412855315491574e-218", "-5.0000000000000000000000000e+2", "7.1245764067412855315491574e-218", "-5.0000000000000000000000000e+2"]),
    (708.5, ["2.0061323053313058203806369e-308", "-7.0850000000000000000000000e+2", "2.0061323053313058203806369e-308", "-7.0850000000000000000000000e+2"]),
    (745.0, ["2.8223507304719370763534401e-324", "-7.4500000000000000000000000e+2", "2.8223507304719370763534401e-324", "-7.4500000000000000000000000e+2"]),
    (745.2, ["2.3107453390093761631399736e-324", "-7.4520000000000004547473509e+2", "2.3107453390093761631399736e-324", "-7.4520000000000004547473509e+2"]),
    (100000.0, ["3.5629495653093731210711744e-43430", "-1.0000000000000000000000000e+5", "3.5629495653093731210711744e-43430", "-1.0000000000000000000000000e+5"]),
];

/// `|got − exact|` in units of ε times the exact value, but at least of the smallest number.
fn units(got: f64, exact: f64, epsilon: f64, least: f64) -> f64 {
    if got == exact { 0.0 } else { (got - exact).abs() / (exact.abs() * epsilon).max(least) }
}

struct Single(f64);

impl WithLoss for Single {
    type Output = f64;

    fn with_loss<L: LossFunction>(self) -> f64 {
        f64::from(L::weight(self.0 as f32))
    }
}

/// Weights: 1 for e, ½ for the sum, ½ for the quotient, and what they hide from each other. Where one side is below
/// the normal range, the units are those of the smallest number.
#[test]
fn weights_to_a_few_units() {
    for (q, [weight, log, ..]) in EXACT {
        let (exact, log): (f64, f64) = (weight.parse().expect("a number"), log.parse().expect("a number"));
        let mut out = [0.0];
        Loss::Logistic.increments(&[q], 1.0, &mut out);
        let off = units(out[0], exact, f64::EPSILON, 5e-324);
        assert!(off <= 2.5, "s({q}) = {:e} instead of {exact:e}: {off}", out[0]);
        if f64::from(q as f32) == q {
            let (epsilon, least) = (f64::from(f32::EPSILON), f64::from(f32::from_bits(1)));
            let off = units(Loss::Logistic.run(Single(q)), exact, epsilon, least);
            assert!(off <= 2.5, "s({q}) in f32: {off}");
        }
        let off = units(Loss::Logistic.log_weight((0.0, 0.0), (q, 0.0)), log, f64::EPSILON, 5e-324);
        assert!(off <= 2.0, "log s({q}): {off}");
    }
}

/// `log ℓ` is a difference near ℓ = 1: its error is in units of ε(1 + |log ℓ|).
#[test]
fn values_to_a_few_units() {
    for (q, [.., value, log]) in EXACT {
        let (value, log): (f64, f64) = (value.parse().expect("a number"), log.parse().expect("a number"));
        let got = Loss::Logistic.log_value(q);
        assert!((got - log).abs() <= 2.0 * f64::EPSILON * (1.0 + log.abs()), "log ℓ({q}) = {got} instead of {log}");
        if log.abs() < 700.0 {
            let off = (libm::exp(got) / value - 1.0).abs();
            assert!(off <= 4.0 * f64::EPSILON * (1.0 + log.abs()), "ℓ({q}): {off:e}");
        }
    }
}

/// Changes of log s between any two of the points, and tiny ones.
#[test]
fn changes_to_a_few_units() {
    for (q, [_, log, ..]) in EXACT {
        let log: f64 = log.parse().expect("a number");
        for (to, [_, other, ..]) in EXACT {
            let exact = other.parse::<f64>().expect("a number") - log;
            let by = to - q;
            if q + by == to && (to - by) == q {
                // the exact one is a difference of two numbers rounded to f64
                let slack = 2.0 * f64::EPSILON * (1.0 + log.abs().max(exact.abs()));
                let got = Loss::Logistic.log_change(q, by);
                assert!((got - exact).abs() <= slack, "from {q} to {to}: {got} instead of {exact}");
            }
        }
        // to first order in δ, log s moves by −σ(q)δ
        let sigma = 1.0 / (1.0 + libm::exp(-q));
        let by = 2f64.powi(-30) * q.abs().max(1.0);
        let off = Loss::Logistic.log_change(q, by) + sigma * by;
        assert!(off.abs() <= by * by + 4.0 * f64::EPSILON, "{q}: {off:e}");
    }
}

/// `s/ℓ` and `ℓe^q` are at least their bounds, which they reach.
#[test]
fn shares_are_the_least() {
    for x in [1e-300, 1e-9, 0.1, 1.0, 3.0, 50.0] {
        let q = -libm::log(libm::expm1(x)); // ℓ(q) = x
        let [of_weights, of_exponential] = Loss::Logistic.shares(x).expect("it is near the exponential loss");
        let log = Loss::Logistic.log_value(q);
        let found = [libm::exp(Loss::Logistic.log_weight((0.0, 0.0), (q, 0.0)) - log), libm::exp(log + q)];
        for (found, bound) in found.into_iter().zip([of_weights, of_exponential]) {
            let size = 1.0 + q.abs() + log.abs();
            assert!((found / bound - 1.0).abs() < 4.0 * f64::EPSILON * size, "{x}: {found} {bound}");
            assert!(bound <= 1.0 && bound > 0.0, "{x}: {bound}");
        }
    }
    assert_eq!(Loss::Logistic.shares(0.0), Some([1.0; 2]));
    assert_eq!(Loss::Exponential.shares(7.0), Some([1.0; 2]));
}
