use super::*;
use crate::polar;

const KEY: [u64; 4] = [1, 2, 3, 1 << 63];

fn drawn(key: [u64; 4], count: usize) -> Vec<f64> {
    let mut out = vec![0.0; count];
    Normals::new(key).fill(&mut out);
    out
}

/// The stream with lanes whose first u is 0.
fn all_small() -> Normals {
    let mut stream = Normals::new(KEY);
    (stream.lanes[0], stream.lanes[3]) = ([0; LANES], [0; LANES]);
    stream
}

/// From an independent implementation in Python: generators in whole numbers, multiply-adds in rationals that are rounded once.
#[test]
fn golden() {
    let all = drawn(KEY, 1000);
    let some = [0, 1, 2, 3, 8, 9, 998, 999].map(|i: usize| all[i].to_bits());
    assert_eq!(
        some,
        [
            0xbfe0_2763_3318_e719,
            0xbfe1_bd89_1034_1f41,
            0x3fe5_acc9_74dc_1edd,
            0xbfb3_ca29_a98d_f020,
            0xbfd2_4d89_95c4_42d5,
            0x3fe6_5eb0_dd4c_2a80,
            0xc002_df16_f835_cefb,
            0x3fd5_9ab4_1693_0423
        ]
    );
    assert_eq!(all.iter().fold(0u64, |h, x| h.rotate_left(1) ^ x.to_bits()), 0x182c_85d4_d82d_e99d);
    // and where u of the third lane is 0, so that the ninth generator goes on
    let mut stream = Normals::new(KEY);
    (stream.lanes[0][2], stream.lanes[3][2]) = (0, 0);
    let mut out = [0.0; GROUP];
    let v = {
        let mut state = stream.lanes.map(|word| word[2]);
        next(&mut state);
        next(&mut state)
    };
    stream.fill(&mut out);
    assert_eq!((out[2], out[10]), pair(f64::from_bits(0x4046_b649_ac1f_19e4).sqrt(), v));
    assert!((out[2].hypot(out[10]) - 6.739).abs() < 1e-3 && [out[1], out[3]] == [all[1], all[3]]);
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    for length in [0, 1, 7, 8, 9, 15, 16, 17, 1001] {
        assert_eq!(drawn(KEY, length), drawn(KEY, 1001)[..length], "a longer part begins like a shorter one");
        for isa in Isa::all() {
            // the second time with a small u in every lane
            for stream in [Normals::new(KEY), all_small()] {
                let draw = |isa: Isa| {
                    let (mut stream, mut first, mut second) = (stream.clone(), vec![0.0; length], [0.0; 40]);
                    stream.fill_on(isa, &mut first);
                    stream.fill_on(isa, &mut second);
                    (first, second)
                };
                assert_eq!(draw(isa), draw(Isa::Scalar), "{} {length}", isa.name());
            }
        }
    }
}

/// Logarithm, sine and cosine against libm's, which err by less than 1e-15 themselves.
#[test]
fn radii_and_angles_are_right_to_a_few_bits() {
    let mut bits = Normals::new(KEY).far;
    let words: Vec<u64> = (0..400_000).map(|_| next(&mut bits)).collect();
    let ends = (0..64).flat_map(|k| [1u64 << k, (1 << k) - 1, (1 << k) + (1 << k) / 5 * 2]);
    let (mut worst, two64) = (0f64, 18446744073709551616.0);
    for u in words.iter().enumerate().map(|(i, u)| u >> (i % 64)).chain(ends).chain([u64::MAX, u64::MAX - 5000]) {
        let u = centred(u);
        // near 1 from the difference, which is exact
        let log = if u < 0.5 * two64 { libm::log(u / two64) } else { libm::log1p((u - two64) / two64) };
        let (found, exact) = (energy(u), -2.0 * log);
        worst = worst.max(if exact == 0.0 { found.abs() } else { (found / exact - 1.0).abs() });
    }
    assert!(worst < 1e-15, "{worst}");
    let (mut worst, mut quadrants) = (0f64, [0; 4]);
    for v in words {
        let f = ((v & ((1 << 62) - 1)) >> 10) as f64 / (1u64 << 52) as f64 - 0.5;
        let angle = std::f64::consts::FRAC_PI_2 * f;
        let (s, c) = (libm::sin(angle), libm::cos(angle));
        let c = if v >> 63 == 1 { -c } else { c };
        let exact = if (v >> 62) & 1 == 0 { (c, s) } else { (s, c) };
        let found = pair(1.0, v);
        worst = worst.max((found.0 / exact.0 - 1.0).abs()).max((found.1 / exact.1 - 1.0).abs());
        quadrants[usize::from(found.0 > 0.0) + 2 * usize::from(found.1 > 0.0)] += 1;
    }
    assert!(worst < 1e-15, "{worst}");
    assert!(quadrants.iter().all(|q| *q > 50_000), "{quadrants:?}");
}

/// `P(X > x)`.
fn above(x: f64) -> f64 {
    0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Kolmogorov's and Smirnov's √n D of numbers that should be uniform; above 1.95 once in a thousand times. Sorts them.
fn kolmogorov(u: &mut [f64]) -> f64 {
    u.sort_unstable_by(f64::total_cmp);
    let n = u.len() as f64;
    let far = |(i, u): (usize, &f64)| (u - i as f64 / n).abs().max((u - (i + 1) as f64 / n).abs());
    n.sqrt() * u.iter().enumerate().map(far).fold(0.0, f64::max)
}

/// Anderson's and Darling's A² of numbers that should be uniform; above 6.0 once in a thousand times. Sorts them.
fn anderson(u: &mut [f64]) -> f64 {
    u.sort_unstable_by(f64::total_cmp);
    let n = u.len();
    let term = |i: usize| (2 * i + 1) as f64 * (libm::log(u[i]) + libm::log1p(-u[n - 1 - i]));
    -(n as f64) - (0..n).map(term).sum::<f64>() / n as f64
}

/// Moments to the eighth within five standard errors, and the whole distribution.
#[test]
fn the_distribution_is_normal() {
    const MOMENTS: [f64; 17] = [1., 0., 1., 0., 3., 0., 15., 0., 105., 0., 945., 0., 10395., 0., 135135., 0., 2027025.];
    let all = drawn([5, 6, 7, 8], 1 << 21);
    let n = all.len() as f64;
    for p in 1..=8 {
        let moment = all.iter().map(|x| x.powi(p as i32)).sum::<f64>() / n;
        let error = ((MOMENTS[2 * p] - MOMENTS[p] * MOMENTS[p]) / n).sqrt();
        assert!((moment - MOMENTS[p]).abs() < 5.0 * error, "{p}: {moment}");
    }
    let mut u: Vec<f64> = all.iter().map(|x| above(*x)).collect();
    let d = kolmogorov(&mut u);
    assert!(d < 1.95, "{d}");
    // and of each place in a group, in which x and y take turns
    for place in 0..GROUP {
        let mut u: Vec<f64> = all.iter().skip(place).step_by(GROUP).map(|x| above(*x)).collect();
        let d = kolmogorov(&mut u);
        assert!(d < 2.2, "{place}: {d}");
    }
}

/// Both tails beyond 2, 3, 4 and 4.5 given that they are reached, and how often they are; 6·10⁷ numbers.
#[test]
fn tails_are_normal() {
    let (mut stream, mut block) = (Normals::new([9, 9, 8, 1]), vec![0.0; 1 << 16]);
    let mut far: Vec<f64> = Vec::new();
    for _ in 0..1000 {
        stream.fill(&mut block);
        far.extend(block.iter().filter(|x| x.abs() > 2.0));
    }
    let n = 65_536_000.0;
    for from in [2.0, 3.0, 4.0, 4.5] {
        for sign in [1.0, -1.0] {
            let scale = above(from);
            let tail = far.iter().map(|x| sign * x).filter(|x| *x > from);
            let mut u: Vec<f64> = tail.map(|x| above(x) / scale).collect();
            let expected = n * scale;
            assert!((u.len() as f64 - expected).abs() < 4.0 * expected.sqrt(), "{from} {sign}: {}", u.len());
            let a = anderson(&mut u);
            assert!(a < 6.0, "{from} {sign}: {a}");
        }
    }
}

/// What goes on below 2⁻³² is uniform again, and may go on once more.
#[test]
fn small_numbers_go_on() {
    let mut stream = Normals::new(KEY);
    let front = 64.0 * std::f64::consts::LN_2;
    let mut u: Vec<f64> = (0..100_000).map(|_| libm::exp(-0.5 * (stream.beyond() - front))).collect();
    let d = kolmogorov(&mut u);
    assert!(d < 1.95, "{d}");
    (stream.far[0], stream.far[3]) = (0, 0);
    let twice = stream.beyond();
    assert!(twice > 2.0 * front && twice < 2.0 * front + 60.0, "{twice}");
}

/// Numbers of any two places in a group, of groups up to three apart, and of streams with neighbouring keys: neither they nor their squares
/// are correlated, to five standard errors (some 2300 pairs).
#[test]
fn places_and_streams_are_independent() {
    const GROUPS: usize = 1 << 17;
    let squares =
        |x: &[f64]| -> Vec<f64> { x.iter().map(|x| (x * x - 1.0) * std::f64::consts::FRAC_1_SQRT_2).collect() };
    let (a, b) = (drawn([3, 1, 4, 1], GROUP * (GROUPS + 3)), drawn([4, 1, 4, 1], GROUP * (GROUPS + 3)));
    let (a2, b2) = (squares(&a), squares(&b));
    let correlations = |x: &[f64], y: &[f64], apart: usize| -> f64 {
        let mut sums = [[0.0; GROUP]; GROUP];
        for (x, y) in x.chunks(GROUP).zip(y[apart * GROUP..].chunks(GROUP)).take(GROUPS) {
            for i in 0..GROUP {
                for j in 0..GROUP {
                    sums[i][j] += x[i] * y[j];
                }
            }
        }
        let own = apart == 0 && std::ptr::eq(x, y);
        let all = (0..GROUP).flat_map(|i| (0..GROUP).map(move |j| (i, j))).filter(|(i, j)| !own || i != j);
        all.map(|(i, j)| sums[i][j].abs()).fold(0.0, f64::max) / (GROUPS as f64).sqrt()
    };
    for apart in 0..=3 {
        for (x, y) in [(&a, &a), (&a2, &a2), (&a, &b), (&a2, &b2), (&a, &a2)] {
            let most = correlations(x, y, apart);
            assert!(most < 5.0, "{apart}: {most}");
        }
    }
}

/// The polar method's numbers and these have one distribution: two samples of Kolmogorov and Smirnov.
#[test]
fn as_the_polar_method_has_it() {
    let mut bits = Normals::new([2, 7, 1, 8]).far;
    let (mut old, mut new) = (vec![0.0; 1 << 20], drawn([2, 8, 1, 8], 1 << 20));
    polar::normals(|| next(&mut bits), &mut old);
    old.sort_unstable_by(f64::total_cmp);
    new.sort_unstable_by(f64::total_cmp);
    let (mut j, mut most) = (0, 0usize);
    for (i, x) in old.iter().enumerate() {
        while j < new.len() && new[j] <= *x {
            j += 1;
        }
        most = most.max(j.abs_diff(i + 1));
    }
    let d = most as f64 / old.len() as f64 * (0.5 * old.len() as f64).sqrt();
    assert!(d < 1.95, "{d}");
}
