//! The cells of a merged sweep: their keys, their columns, and where they stand on axes.

use crate::config::{Config, NoiseName, nearest};
use crate::error::{Result, input_error};
use crate::plot::axis::{Axis, Scale};
use crate::plot::table::Table;
use crate::sweep::axis::text;
use crate::sweep::home::plan_of;
use crate::sweep::merge::{SUMMARY, key_text};
use crate::sweep::plan::Plan;
use crate::sweep::shard;
use crate::{say, setup, sweep};
use std::path::Path;
use toml::Value;

/// The cells with at least one problem.
pub struct Cells {
    plan: Plan,
    table: Table,
    /// The number of each row's cell in the plan.
    numbers: Vec<u64>,
    /// The files that they are from.
    pub sources: Vec<String>,
}

/// A statistic of a column, one number a row.
pub type Column = Vec<Option<f64>>;

impl Cells {
    /// Reads the tables of a folder.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`]: no sweep, one that is not merged, or tables of another plan.
    pub fn read(dir: &Path) -> Result<Self> {
        let plan = plan_of(dir)?;
        let (path, place) = (dir.join(SUMMARY), dir.display());
        if !path.is_file() {
            return Err(input_error!("{place}: the sweep is not merged; first run farfield sweep --merge {place}"));
        }
        let table = Table::read(&path)?;
        let written = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
        if shard::list(dir)?.iter().any(|shard| written(shard) > written(&path)) {
            say::line(&format!("note: {place} has newer problems; farfield sweep --merge {place} takes them in"));
        }
        let numbers = placed(&plan, &table).ok_or_else(|| {
            input_error!("{}: not of the plan beside it; run farfield sweep --merge {place}", path.display())
        })?;
        let sources =
            vec![format!("{SUMMARY} ({} cells of {}, blake3 {})", table.rows.len(), plan.cells(), table.digest)];
        Ok(Self { plan, table, numbers, sources })
    }

    /// Leaves the cells where keys have values, each given as `KEY=VALUE`.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] for an unknown key, or a value that no cell has.
    pub fn keep(&mut self, at: &[String]) -> Result<()> {
        for given in at {
            let Some((key, value)) = given.split_once('=') else {
                return Err(input_error!("--at {given}: expected KEY=VALUE"));
            };
            let key = self.key(key.trim())?;
            let wanted = |v: &Value| {
                let same = value.trim().parse::<f64>().ok().is_some_and(|a| number(v) == Some(a));
                same || text(v) == value.trim()
            };
            let kept: Vec<bool> = (0..self.rows()).map(|row| wanted(self.value(row, &key))).collect();
            if !kept.contains(&true) {
                let known = self.values(&key).iter().map(text).collect::<Vec<_>>().join(", ");
                return Err(input_error!("--at {given}: no cell has it; {key} is {known}"));
            }
            let mut keep = kept.iter();
            self.table.rows.retain(|_| *keep.next().unwrap_or(&false));
            let mut keep = kept.iter();
            self.numbers.retain(|_| *keep.next().unwrap_or(&false));
        }
        Ok(())
    }

    /// The number of cells.
    pub fn rows(&self) -> usize {
        self.table.rows.len()
    }

    /// Repetitions of each.
    pub fn seeds(&self) -> u64 {
        self.plan.seeds
    }

    /// What is asked of each problem.
    pub fn mode(&self) -> sweep::plan::Mode {
        self.plan.mode
    }

    /// The configuration of the first problem of a row.
    pub fn config(&self, row: usize) -> Option<Config> {
        self.plan.config(self.numbers[row] * self.plan.seeds).ok()
    }

    /// All keys.
    pub fn keys(&self) -> Vec<String> {
        self.plan.keys().into_iter().map(String::from).collect()
    }

    /// The keys of the axes along which the cells differ; those that go together are one.
    pub fn varying(&self) -> Vec<Vec<String>> {
        let several = |keys: &&Vec<String>| keys.iter().any(|key| self.values(key).len() > 1);
        self.plan.axes().iter().map(|axis| &axis.keys).filter(several).cloned().collect()
    }

    /// Whether two keys are of one axis.
    pub fn together(&self, a: &String, b: &String) -> bool {
        self.plan.axes().iter().any(|axis| axis.keys.contains(a) && axis.keys.contains(b))
    }

    /// The key of this name.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with the nearest one.
    pub fn key(&self, name: &str) -> Result<String> {
        let keys = self.keys();
        if keys.iter().any(|key| key == name) {
            return Ok(name.into());
        }
        if crate::sweep::axis::defaults().contains_key(name) {
            return Err(input_error!("{name} does not vary in this sweep; its keys are {}", keys.join(", ")));
        }
        Err(match nearest(name, keys) {
            Some(near) => input_error!("unknown key {name}; did you mean {near}?"),
            None => input_error!("unknown key {name}: this sweep has none, it is one cell"),
        })
    }

    /// The columns with numbers, and the shares of statuses.
    fn columns(&self) -> Vec<String> {
        let of = |name: &String| match name.strip_prefix("status.") {
            Some(_) => Some(name.clone()),
            None => name.strip_suffix(".median").map(String::from),
        };
        self.table.names.iter().filter_map(of).collect()
    }

    /// The column of this name; with `logarithm`, of a number that underflows, its logarithm where there is one.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with the nearest one.
    pub fn column(&self, name: &str, logarithm: bool) -> Result<String> {
        let columns = self.columns();
        let (group, last) = name.rsplit_once('.').map_or(("", name), |(group, last)| (group, last));
        let power = format!("{group}{}log10_{last}", if group.is_empty() { "" } else { "." });
        let names = if logarithm { [power.as_str(), name] } else { [name, name] };
        if let Some(known) = names.into_iter().find(|n| columns.iter().any(|c| c == n)) {
            return Ok(known.into());
        }
        if self.table.names.iter().chain(&self.keys()).any(|known| known == name) {
            return Err(input_error!("{name} is a key or a count, not a column of results; name one with --value"));
        }
        Err(match nearest(name, columns) {
            Some(near) => input_error!("unknown column {name}; did you mean {near}?"),
            None => input_error!("unknown column {name}: the sweep has no column with numbers"),
        })
    }

    /// Whether a column is there and has a finite number.
    pub fn has_numbers(&self, column: &str) -> bool {
        self.statistic(column, "median").iter().flatten().any(|v| v.is_finite())
    }

    /// A statistic of a column. Of a status, whatever the statistic, its share of the problems.
    pub fn statistic(&self, column: &str, statistic: &str) -> Column {
        if column.starts_with("status.") {
            let pairs = self.table.numbers(column).into_iter().zip(self.table.numbers("problems"));
            return match statistic {
                "count" => self.table.numbers("problems"),
                _ => pairs.map(|(k, all)| Some(k? / all?)).collect(),
            };
        }
        self.table.numbers(&format!("{column}.{statistic}"))
    }

    /// Whether labels are flipped in some cell and its prediction is for clean ones.
    pub fn blind_to_label_noise(&self) -> bool {
        let blind = |config: Config| {
            let even = setup::network(&config).is_ok_and(|network| 2 * network.positive == network.width);
            let plain = config.data.spectrum == "identity" && config.data.noise == NoiseName::Gaussian;
            config.data.label_noise > 0.0 && !(even && plain)
        };
        (0..self.rows()).any(|row| self.config(row).is_some_and(blind))
    }

    /// The value of a key in a row.
    pub fn value(&self, row: usize, key: &str) -> &Value {
        let values = self.plan.cell(self.numbers[row]);
        self.plan.keys().iter().position(|k| *k == key).map(|at| values[at]).expect("a key of the plan")
    }

    /// The values of a key, each once, in the order of the plan.
    pub fn values(&self, key: &str) -> Vec<Value> {
        let mut out: Vec<Value> = Vec::new();
        for row in 0..self.rows() {
            let value = self.value(row, key);
            if !out.contains(value) {
                out.push(value.clone());
            }
        }
        if out.iter().all(|v| number(v).is_some()) {
            out.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal));
        }
        out
    }

    /// The axis of a key, and where each of its values stands.
    pub fn axis(&self, key: &str, label: &str) -> (Axis, Vec<(Value, f64)>) {
        let values = self.values(key);
        let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
        let (scale, places) = match numbers {
            None => {
                let names = values.iter().map(text).collect();
                (Scale::Names(names), (0..values.len()).map(|k| k as f64).collect())
            }
            Some(list) if geometric(&list) => (Scale::Decades, list.into_iter().map(f64::log10).collect()),
            Some(list) => (Scale::Linear, list),
        };
        let axis = Axis::around(label, scale, places.iter().copied());
        (axis, values.into_iter().zip(places).collect())
    }
}

/// The number that a value of a key is.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        _ => None,
    }
}

/// Whether sorted values are for a logarithmic axis: over two decades, or over half of one with ratios more even than
/// differences.
fn geometric(values: &[f64]) -> bool {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return false };
    if *first <= 0.0 || last / first < 3.0 {
        return false;
    }
    let uneven = |gap: fn(f64, f64) -> f64| {
        let gaps: Vec<f64> = values.windows(2).map(|w| gap(w[0], w[1])).collect();
        gaps.iter().copied().fold(0.0, f64::max) / gaps.iter().copied().fold(f64::INFINITY, f64::min)
    };
    last / first >= 100.0 || uneven(|a, b| b / a) < 1.5 && uneven(|a, b| b - a) > 1.5
}

/// The number of each row's cell: rows stand in the order of the plan, cells without problems are not there.
fn placed(plan: &Plan, table: &Table) -> Option<Vec<u64>> {
    let keys = plan.keys();
    if table.names.get(..keys.len())? != keys {
        return None;
    }
    let mut rows = table.rows.iter().peekable();
    let mut numbers = Vec::new();
    for cell in 0..plan.cells() {
        let Some(row) = rows.peek() else { break };
        if plan.cell(cell).into_iter().map(key_text).eq(row[..keys.len()].iter().cloned()) {
            numbers.push(cell);
            rows.next();
        }
    }
    rows.next().is_none().then_some(numbers)
}

/// Whether a column is log₁₀ of what is meant.
pub fn is_logarithm(column: &str) -> bool {
    column.rsplit('.').next().is_some_and(|last| last.starts_with("log10_"))
}

/// A column as it is drawn: itself, or its logarithm.
pub struct Shown {
    /// What its numbers are.
    pub scale: Scale,
    /// Whether the logarithm is taken here; else it is the column.
    pub take: bool,
}

impl Shown {
    /// A column of logarithms is one of decades; another one is drawn by its logarithm where its numbers are positive and span
    /// more than two decades.
    pub fn of(cells: &Cells, columns: &[&str]) -> Self {
        if columns.iter().all(|c| is_logarithm(c)) {
            return Self { scale: Scale::Decades, take: false };
        }
        let all: Vec<f64> =
            columns.iter().flat_map(|c| cells.statistic(c, "median")).flatten().filter(|v| v.is_finite()).collect();
        let (low, high) = all.iter().fold((f64::INFINITY, 0.0f64), |(a, b), v| (a.min(*v), b.max(*v)));
        let take = low > 0.0 && high / low > 100.0;
        Self { scale: if take { Scale::Decades } else { Scale::Linear }, take }
    }

    /// A number as it is drawn; none where it is not finite.
    pub fn place(&self, v: Option<f64>) -> Option<f64> {
        let v = v.filter(|v| v.is_finite())?;
        if self.take { (v > 0.0).then(|| v.log10()) } else { Some(v) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_values_are_for_a_logarithmic_axis() {
        assert!(geometric(&[1.0, 2.0, 4.0]) && geometric(&[0.01, 0.1, 0.9, 2.0]));
        assert!(!geometric(&[1.0, 2.0, 3.0, 4.0]) && !geometric(&[0.0, 1.0, 100.0]) && !geometric(&[5.0]));
    }
}
