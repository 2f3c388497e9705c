//! What happens to the interfaces appears in the log: once each way, with the name.

use tracing::{info, warn};

use crate::source::live::{Change, What};

pub(super) fn report(changes: &[Change]) {
    for Change { interface, what } in changes {
        match what {
            What::Attached(hook) => info!(?interface, %hook, "programs are on the interface"),
            What::Gone => warn!(
                ?interface,
                "the interface is gone: waiting for it to come back"
            ),
            What::TakenOff(direction) => warn!(
                ?interface,
                direction = direction.name(),
                "somebody has taken a program off the interface: it is attached again"
            ),
            What::Refused(reason) => warn!(
                ?interface,
                reason, "the interface is not watched: trying again"
            ),
            What::Moved(direction, past) => info!(
                ?interface,
                direction = direction.name(),
                ?past,
                "the program was moved next to the wire"
            ),
            What::Displaced(direction, others) => warn!(
                ?interface,
                direction = direction.name(),
                ?others,
                "if these change addresses, the program does not see those of the wire"
            ),
            What::Hidden(direction, before) => warn!(
                ?interface,
                direction = direction.name(),
                ?before,
                "packets pass that the program does not see: what is before it may end the chain"
            ),
            What::Visible(direction) => info!(
                ?interface,
                direction = direction.name(),
                "the program sees packets again"
            ),
            What::Bypassed(flowtable) => warn!(
                ?interface,
                ?flowtable,
                "a flowtable takes packets past the interface: connections that it carries are \
                 not counted, put the interface itself into it"
            ),
        }
    }
}
