//! Events as they are in the ring buffer: their length says which they are.

use nat_acct_common::layout::{ConnectionEvent, Event, OutsideEvent};

/// An element of the ring buffer; `None` for one that no program of this build sends.
pub(super) fn read(bytes: &[u8]) -> Option<Event> {
    const CONNECTION: usize = size_of::<ConnectionEvent>();
    const OUTSIDE: usize = size_of::<OutsideEvent>();
    let element = bytes.as_ptr();
    match bytes.len() {
        CONNECTION => {
            // SAFETY: as many bytes as it has, which is an integer.
            let event = unsafe { element.cast::<ConnectionEvent>().read_unaligned() };
            Some(Event::Connection(event))
        }
        OUTSIDE => {
            // SAFETY: as many bytes as it has, which is integers only.
            let event = unsafe { element.cast::<OutsideEvent>().read_unaligned() };
            Some(Event::Outside(event))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use nat_acct_common::layout::OutsideKey;

    use super::*;

    #[test]
    fn the_length_says_what_it_is() {
        let connection = ConnectionEvent { slot: 0x0403_0201 };
        let outside = OutsideEvent {
            key: OutsideKey::default(),
            at_ns: 0x0807_0605_0403_0201,
        };
        let mut bytes = [0; size_of::<OutsideEvent>() + 1];
        bytes[48..56].copy_from_slice(&outside.at_ns.to_ne_bytes());
        assert_eq!(read(&bytes[..56]), Some(Event::Outside(outside)));
        let slot = connection.slot.to_ne_bytes();
        assert_eq!(read(&slot), Some(Event::Connection(connection)));
        for len in [0, 3, 8, 55, 57] {
            assert_eq!(read(&bytes[..len]), None, "{len}");
        }
    }
}
