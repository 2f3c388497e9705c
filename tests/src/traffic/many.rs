//! Thousands of short connections at once, and what nginx and its clients say
//! of each.

use anyhow::Result;

use super::http::{self, Fetches};
use crate::server::Nginx;
use crate::{Family, Lab, Ns, Truth};

const AT_ONCE: usize = 50;

/// Fetches 1000 bytes in each of so many connections, a multiple of four: from both clients by both
/// protocols, a part each.
pub fn fetch(lab: &Lab, nginx: &Nginx, connections: usize) -> Result<Vec<Truth>> {
    let part = |client, family, port, at_once| Fetches {
        client,
        family,
        path: "/bytes/1000".to_owned(),
        port,
        connections: connections / 4,
        at_once,
    };
    let parts = [
        part(Ns::Client1, Family::V4, Nginx::ONE_SHOT, AT_ONCE / 4),
        part(Ns::Client1, Family::V6, Nginx::KEEPALIVE, AT_ONCE / 4),
        part(Ns::Client2, Family::V4, Nginx::KEEPALIVE, AT_ONCE / 4 + 1),
        part(Ns::Client2, Family::V6, Nginx::ONE_SHOT, AT_ONCE / 4 + 1),
    ];
    std::thread::scope(|scope| {
        let fetch = |part| scope.spawn(move || http::fetch_many(lab, nginx, part));
        let parts: Vec<_> = parts.iter().map(fetch).collect();
        let mut truths = Vec::new();
        for part in parts {
            truths.extend(part.join().expect("the thread of a part")?);
        }
        Ok(truths)
    })
}
