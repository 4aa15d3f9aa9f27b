//! `farfield check`.
use super::CheckArgs;
use farfield::error::Result;
pub fn execute(_args: &CheckArgs) -> Result<u8> {
    Ok(0)
}
