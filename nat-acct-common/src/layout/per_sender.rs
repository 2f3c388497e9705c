//! A pair with one value for each end of a connection.

use super::Sender;

/// One value for each [`Sender`].
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerSender<T>(pub [T; 2]);

impl<T> PerSender<T> {
    /// The value for `sender`.
    #[inline(always)]
    pub const fn get(&self, sender: Sender) -> &T {
        let [client, remote] = &self.0;
        match sender {
            Sender::Client => client,
            Sender::Remote => remote,
        }
    }

    /// The value for `sender`, to be changed.
    pub const fn get_mut(&mut self, sender: Sender) -> &mut T {
        let [client, remote] = &mut self.0;
        match sender {
            Sender::Client => client,
            Sender::Remote => remote,
        }
    }

    /// Both values, each made into another.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> PerSender<U> {
        PerSender(self.0.map(f))
    }
}
