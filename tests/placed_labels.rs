//! An adversary flips the labels of the samples with the smallest margins against the mean, as many as it is given, and nothing else changes.

use farfield::{Data, Draw, LimitOutcome, Matrix, Mixture, Network, Noise, Problem, Start, Stream, Watch};

fn draw(n: usize) -> Draw {
    Draw { n, balance: 0.4, label_noise: 0.0, seed: 8 }
}

/// The flipped samples, and `y⟨μ,x⟩` of all with the clean labels, summed in plain order.
fn flipped(data: &Data) -> (Vec<usize>, Vec<f64>) {
    let (clean, mean) = (data.clean().unwrap(), &data.mixture().unwrap().mean);
    let along = |i: usize| -> f64 { data.x().row(i).iter().zip(mean).map(|(x, m)| x * m).sum() };
    let flipped = (0..data.n()).filter(|&i| data.y()[i] != clean[i]).collect();
    (flipped, (0..data.n()).map(|i| clean[i] * along(i)).collect())
}

#[test]
fn the_smallest_margins_are_flipped() {
    let mixture =
        Mixture::rotated(2.0, (1..=300).map(|k| 1.0 / f64::from(k)).collect(), Noise::Pareto { index: 3.0 }, 4);
    for plain in [
        Data::draw(mixture, &draw(41)).unwrap(),
        Data::draw_rotated(3.0, 1_000_000, 4, &draw(41), Stream::default(), &Watch::default()).unwrap(),
    ] {
        // 4.1, 4.5 and 41 labels
        for (share, count) in [(0.1, 4), (4.5 / 41.0, 5), (1.0, 41), (0.0, 0)] {
            let data = plain.clone().with_smallest_margins_flipped(share).unwrap();
            let (found, margins) = flipped(&data);
            assert_eq!((found.len(), data.flipped(), data.flips_are_placed()), (count, count, count > 0));
            let most = found.iter().map(|&i| margins[i]).fold(f64::NEG_INFINITY, f64::max);
            let others = (0..41).filter(|i| !found.contains(i)).map(|i| margins[i]).fold(f64::INFINITY, f64::min);
            assert!(most < others, "{share}: {most} {others}");
            assert_eq!(
                (data.clean(), data.lambda_max(), data.norms()),
                (plain.clean(), plain.lambda_max(), plain.norms())
            );
            assert_eq!(data.x().values(), plain.x().values());
        }
    }
}

/// Without a signal all margins are 0, and the first samples are flipped.
#[test]
fn of_equal_margins_the_first() {
    let data = Data::draw(Mixture::new(0.0, vec![1.0; 5], Noise::Laplace), &draw(10)).unwrap();
    let data = data.with_smallest_margins_flipped(0.3).unwrap();
    assert_eq!(flipped(&data).0, [0, 1, 2]);
}

#[test]
fn nothing_is_predicted_for_placed_labels() {
    let plain = Data::draw(Mixture::new(4.0, vec![1.0; 300], Noise::Gaussian), &draw(20)).unwrap();
    let predicted = |data: &Data| {
        let problem = Problem::new(data, Network::balanced(4, 0.1).unwrap()).unwrap();
        let (facts, _) = LimitOutcome::of(&problem, &Start::gaussian(1e-6, 0), None, 0).unwrap();
        facts.test_error.unwrap().predicted
    };
    assert!(predicted(&plain).is_some());
    assert!(predicted(&plain.with_smallest_margins_flipped(0.1).unwrap()).is_none());
    let files = Data::new(Matrix::new(2, 1, vec![1.0, -1.0]), vec![1.0, -1.0]).unwrap();
    assert!(files.with_smallest_margins_flipped(0.5).is_err(), "no mean is known");
}
