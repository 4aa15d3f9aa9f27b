//! Lines on stderr. A stderr that cannot be written (a full device, a closed pipe) changes nothing else.

use std::io::Write;

/// Writes `farfield: TEXT` as one line.
pub fn line(text: &str) {
    let mut whole = String::with_capacity(text.len() + 12);
    whole.push_str("farfield: ");
    // One line, whatever file names and messages of others hold.
    whole.extend(text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }));
    whole.push('\n');
    // There is nobody left to tell.
    let _ = std::io::stderr().lock().write_all(whole.as_bytes());
}

/// From here on a fault of this program is one line too, with its place.
pub fn faults() {
    std::panic::set_hook(Box::new(|fault| {
        let payload = fault.payload();
        let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no message");
        let place = fault.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
        // The runtime has no other way to say that a thread cannot have its stack for signals.
        match text.contains("failed to allocate") {
            true => line(&format!("no memory left: {text}")),
            false => line(&format!("a fault of this program, please report it: {text}{place}")),
        }
    }));
}
