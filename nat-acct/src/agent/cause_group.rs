//! What it means that a program returned early, for those who tell of it.

use nat_acct_common::layout::Cause;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CauseGroup {
    /// A packet that is not counted.
    Ignored,
    /// A connection that is not followed.
    NotTaken,
    /// Each of these stands for itself.
    Alone,
}

impl CauseGroup {
    pub(super) const fn of(cause: Cause) -> Self {
        match cause {
            Cause::NotIp
            | Cause::NotTcp
            | Cause::LaterFragment
            | Cause::Truncated
            | Cause::BadHeader
            | Cause::ExtensionChain
            | Cause::UnknownConnection
            | Cause::Stray
            | Cause::AfterFirstFin
            | Cause::UnknownInterface
            | Cause::OtherHost
            | Cause::Redirected => Self::Ignored,
            Cause::TableFull | Cause::HalfOpenFull | Cause::NoPlace => Self::NotTaken,
            Cause::Overflowed | Cause::EventLost | Cause::OutsideFull | Cause::Inconsistent => {
                Self::Alone
            }
        }
    }
}
