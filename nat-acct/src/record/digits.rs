//! Numbers as digits. A line has about a hundred of them, and by `fmt` they take longer than all the rest of
//! it.

/// Fills the place with the last decimal digits of a number.
pub(super) fn put_decimal(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Puts the decimal digits of a number before the one at `end`; tells where they begin.
pub(super) fn put_before(text: &mut [u8], end: usize, mut number: u16) -> usize {
    let mut from = end;
    loop {
        from -= 1;
        text[from] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return from;
        }
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

    #[test]
    fn a_number_has_no_more_digits_than_it_needs() {
        let mut text = *b"--------";
        assert_eq!(put_before(&mut text, 7, u16::MAX), 2);
        assert_eq!(put_before(&mut text, 2, 0), 1);
        assert_eq!(&text, b"-065535-");
    }
}
