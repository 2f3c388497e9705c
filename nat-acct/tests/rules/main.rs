//! The rules of accounting (section 3 of the design), each as the packets that it speaks of.

mod attempts;
mod capacity;
mod endings;
mod gateway;
mod hairpin;
mod interim;
mod matching;
mod random;
mod zones;
