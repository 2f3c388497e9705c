//! Numbers as digits in places of fixed width. A line has about a hundred of them, and by `fmt` they take
//! longer than all the rest of it.

/// Fills the place with the last decimal digits of a number.
pub(super) fn put_decimal(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Fills the place with the last hexadecimal digits of a number.
pub(super) fn put_hexadecimal(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
    }
}

/// What was put together of digits and what stands between them.
pub(super) fn as_str(text: &[u8]) -> &str {
    str::from_utf8(text).expect("it is all ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_last_digits() {
        let mut text = *b"--------";
        put_decimal(&mut text[..3], 42);
        put_decimal(&mut text[4..6], u32::MAX);
        assert_eq!(&text, b"042-95--");
        put_hexadecimal(&mut text[..4], 0xc0de);
        put_hexadecimal(&mut text[6..], u64::MAX - 1);
        assert_eq!(&text, b"c0de95fe");
    }
}
