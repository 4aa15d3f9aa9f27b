//! `-s KEY=VALUE`, a line each.
#![no_main]

use farfield_cli::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let settings: Vec<String> = text.split('\n').map(str::to_string).collect();
    if let Err(error) = Config::load(None, &settings) {
        let message = error.to_string();
        assert_eq!(message.lines().count(), 1, "{message}");
    }
});
