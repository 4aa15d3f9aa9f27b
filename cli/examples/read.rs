//! Reads data files as a configuration names them, and prints what was read: for each line of stdin, the settings
//! of `[data]` separated by tabs, a line of JSON. Numbers are the bits of f64 in hexadecimal, so that none is lost.
//!
//! ```sh
//! printf 'data.source=t.csv\tdata.labels=-1\n' | cargo run --release -p farfield-cli --example read
//! ```

use farfield_cli::config::{Config, Source, paths};
use farfield_cli::error::Result;
use farfield_cli::files::{self, Samples};
use std::io::{BufRead, Write};

fn read(settings: &str) -> Result<Samples> {
    let settings: Vec<String> = settings.split('\t').map(str::to_string).collect();
    let data = Config::load(None, &settings)?.data;
    match &data.source {
        Source::File(source) => files::read(&paths::decode(source), &data, &|_, _| Ok(())),
        Source::Mixture => Err(farfield_cli::error::Error::Input("no data.source".into())),
    }
}

fn bits(values: &[f64]) -> Vec<String> {
    values.iter().map(|v| format!("{:016x}", v.to_bits())).collect()
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = match read(&line?) {
            Ok(s) => serde_json::json!({
                "n": s.x.rows(), "d": s.x.cols(), "x": bits(s.x.values()), "y": bits(&s.y), "notes": s.notes,
                "positive": s.classes.positive.name, "negative": s.classes.negative.name,
            }),
            Err(e) => serde_json::json!({ "error": e.to_string() }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
