//! Whether records say who the remotes are. A gateway of many subscribers should not keep that, unless
//! it must (RFC 6888, REQ-12).

/// What records say of the endpoint beyond the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remotes {
    /// Its address and port.
    #[default]
    Told,
    /// Nothing.
    LeftOut,
}
