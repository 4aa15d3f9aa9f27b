//! The claims in words and in symbols, by their kinds.

/// What of a run only gradient descent itself shows.
pub const RERUN: [&str; 2] = [
    "gradient descent from W(0) with this step size is at this W after t steps (digest, steps, flips, segments)",
    "the rows of trace.csv before the last one",
];

/// Where W is not in the folder.
pub const OF_WEIGHTS: &str =
    "what is said of W and its distances: weights.npy is not here (output.weights = true writes it)";

/// Where the limit was not proved from X, or needs more digits of λ than the folder has.
pub const OF_LIMIT: &str = "what is said of the limit: its bounds do not follow from X and the arrays here";

/// Where averages are in use at the end.
pub const OF_RIPPLE: &str = "dual_gap, which counts the ripple of averages over chattering neurons";

/// Where the boundary of the limit is no plane.
pub const OF_NETWORK: &str = "held_out.limit: the boundary of the limit is no plane, and not in the folder";

/// A kind's sentence and symbols.
pub fn of(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "data" => (
            "The samples and labels are those that config.toml names: read or drawn again they have this digest.",
            "data_digest = blake3(n, d, X, y), little-endian f64",
        ),
        "margins" => (
            "margins.npy holds the margins of the weights in weights.npy and pattern.npy their signs, both up to rounding; the \
             numbers follow from these.",
            "|q_i − y_i Σ_j a_j φ(⟨x_i,w_j⟩)| ≤ rounding ‖x_i‖ magnitude; min_margin = min_i q_i, weight_norm = ‖W‖, \
             log_loss = log c Σ ℓ(q_i), gradient_norm = c ‖Σ s(q_i) Φ_i‖",
        ),
        "distance" => (
            "The direction of W is at most this far from that of maximal margin, for the sides of the own-sign pairs that W \
             shows; the limit need not be known.",
            "1 − cos(W, Ŵ) ≤ certified_cosine_gap, by 1 − min_i q_i/(‖W‖‖G‖) or 1 − cos(A + B): cos A = ⟨W,G⟩/(‖W‖‖G‖), \
             cos² B = min ⟨Φ_i,G⟩/‖G‖², G = Σ s(q_i)Φ_i/Σ s(q_i)",
        ),
        "margin" => (
            "The maximal margin lies between these bounds, and the direction of λ is at most direction_error from the limit's.",
            "min_i ⟨Φ_i,W*⟩/‖W*‖ ≤ γ* ≤ ‖W*‖/Σλ, W* = Σ_i λ_i y_i (a_j θ_ij x_i)_j, λ ≥ 0; ‖Ŵ_λ − Ŵ‖ ≤ √(2(1 − low/high)) + \
             rounding of λ",
        ),
        "undecided" => (
            "The maximal margin is at most this, whether or not any weights separate; a lower bound of 0 says nothing.",
            "γ* ≤ ‖W*‖/Σλ, W* = Σ_i λ_i y_i (a_j θ_ij x_i)_j, λ ≥ 0; margin_interval.low ≤ max(0, min_i ⟨Φ_i,W*⟩/‖W*‖)",
        ),
        "kkt" => (
            "λ fulfils the conditions of Karush, Kuhn and Tucker up to residual.",
            "λ ≥ 0, q_i(W*) ≥ 1 − residual, |q_i(W*) − 1| ≤ residual where λ_i > 0; support = |{i : λ_i > 0}|",
        ),
        "gaps" => (
            "The distances of W, of its gradient and of the weights of the losses from the limit are these, up to rounding.",
            "cosine_gap = 1 − cos(W,Ŵ), gradient_cosine_gap = 1 − cos(G,Ŵ), dual_gap = max_i |κ α c t s(q_i) − λ_i|/max λ",
        ),
        "inseparable" => (
            "No weights whose own-sign pairs are on these sides have only positive margins: features that differ from the \
             true ones by at most farkas_value of their lengths cancel exactly.",
            "‖Σ λ_i Φ_i‖ ≤ farkas_value Σ λ_i‖Φ_i‖, λ ≥ 0, Σλ = 1, farkas_value ≤ 2⁻⁵¹",
        ),
        "correlated" => (
            "All pairs are activated and the data are positively correlated: the pattern never changes again.",
            "a_j y_i z_ij > 0 and ⟨y_i x_i, y_k x_k⟩ ≥ 0 for all i, j, k",
        ),
        "linear" => (
            "The leak is 1, so both slopes are equal: every pattern is the same, and none can follow.",
            "γ = 1, φ(u) = u",
        ),
        "final" => (
            "No pre-activation can reach 0 any more: the pattern is final (Proposition 10 of docs/theory.md).",
            "final_until = ∞",
        ),
        "test_error" => (
            "The test error of the limit's boundary on the Gaussian mixture, the best possible one and the prediction have \
             these closed forms.",
            "limit = Φ(−⟨μ,w̄⟩/√(w̄ᵀΣw̄)), w̄ = Σ_i λ_i y_i θ̄_i x_i, bayes = Φ(−√(μᵀΣ⁻¹μ)), predicted = \
             Φ(−n‖μ‖²/√(n²μᵀΣμ + n tr Σ²)), or with flipped labels Φ(−τ), τ = 2A√(d/n)/√(4A²/ρ + (1−p)s² + pδ²), p = flipped_labels/n, \
             2A/ρ = (1−p)s − pδ; of an xor limit = ½ and bayes = 2q(1−q), q = Φ(−‖μ‖/(σ√2)) (docs/theory.md)",
        ),
        "bounded_error" => (
            "The test error of the limit's boundary on the mixture, whose noise is not Gaussian, is not below low and not above high.",
            "low ≤ P(Σ_k w̄_k √σ_k ξ_k ≤ −⟨μ,w̄⟩) ≤ high, ξ_k independent with the law of data.noise (docs/theory.md)",
        ),
        "held_out" => (
            "So many of the samples that are not trained on are on the wrong side of the limit's boundary, and of the network with \
             the final weights, as far as rounding shows it; the intervals are those of Clopper and Pearson.",
            "limit.errors = |{i : y'_i ⟨x'_i,w̄⟩ ≤ 0}|, iterate.errors = |{i : y'_i f(x'_i;W) ≤ 0}|; of k errors in N samples \
             error = k/N, P(Bin(N,low) ≥ k) = P(Bin(N,high) ≤ k) = 0.025",
        ),
        _ => ("", ""),
    }
}
