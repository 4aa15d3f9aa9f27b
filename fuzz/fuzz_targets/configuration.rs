//! A configuration in TOML: what is accepted is written back to a text that means the same.
#![no_main]

use farfield_cli::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Config::from_toml(text).and_then(Config::resolved) {
        Ok(config) => {
            let again = Config::from_toml(&config.to_toml()).expect("what was written is accepted");
            assert_eq!(again.to_toml(), config.to_toml());
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
