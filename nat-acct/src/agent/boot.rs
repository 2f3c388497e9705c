//! Which boot of the machine this is: the monotonic clock begins anew at each.

use std::fs;

use anyhow::{Context as _, Result};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The identifier that the kernel has drawn at random for this boot.
pub(super) fn id() -> Result<u128> {
    let text = fs::read_to_string(BOOT_ID).with_context(|| format!("cannot read {BOOT_ID}"))?;
    parse(&text).with_context(|| format!("{BOOT_ID} is no UUID"))
}

fn parse(text: &str) -> Option<u128> {
    let digits = text.trim_end().replace('-', "");
    u128::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_a_number() {
        let number = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
        let text = "01234567-89ab-cdef-0123-456789abcdef\n";
        assert_eq!(parse(text), Some(number));
        assert_eq!(parse("none"), None);
        assert_eq!(id().unwrap(), id().unwrap());
    }
}
