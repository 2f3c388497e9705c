//! Many short HTTP connections at once, by a client of our own; nginx's log is
//! the other half of the truth.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};

use super::unique_tag;
use crate::lab::{Family, Lab, Ns};
use crate::server::{Nginx, Request};
use crate::truth::{Count, Truth};
use crate::wait::{PATIENCE, wait_until};

/// Which fetches to make.
#[derive(Clone, Debug)]
pub struct Fetches {
    /// From where.
    pub client: Ns,
    /// Over which protocol.
    pub family: Family,
    /// The file, as [`Nginx::publish`] names it.
    pub path: String,
    /// One of nginx's two ports.
    pub port: u16,
    /// How many connections in all, one request each.
    pub connections: usize,
    /// How many of them at a time.
    pub at_once: usize,
}

impl Fetches {
    /// So many small ones from one client, some at a time.
    #[must_use]
    pub fn small(connections: usize) -> Self {
        Self {
            client: Ns::Client1,
            family: Family::V4,
            path: "/bytes/1000".to_owned(),
            port: Nginx::ONE_SHOT,
            connections,
            at_once: 10,
        }
    }
}

/// One connection, as the client knows it.
struct Fetch {
    local: SocketAddr,
    tag: String,
    sent: u64,
    received: u64,
}

/// Makes the connections; the truth of each, checked between client and nginx.
pub fn fetch_many(lab: &Lab, nginx: &Nginx, wanted: &Fetches) -> Result<Vec<Truth>> {
    // nginx closes first. If the remote remembered that (TIME_WAIT), it would
    // answer for the old connection when a translated port comes again, and the
    // client's second SYN would leave by another port: ambiguous.
    lab.set(Ns::Remote, &[("ipv4/tcp_max_tw_buckets", "0")])?;
    let remote = SocketAddr::new(Ns::Remote.address(wanted.family), wanted.port);
    let fetches = lab.enter(wanted.client, || share_out(wanted, remote))?;
    let requests = wait_until(PATIENCE, "nginx's log of all fetches", || {
        let requests = by_tag(nginx)?;
        let complete = fetches
            .iter()
            .all(|fetch| requests.contains_key(&fetch.tag));
        Ok(complete.then_some(requests))
    })?;
    Ok(fetches
        .iter()
        .map(|fetch| truth(fetch, &requests[&fetch.tag], remote))
        .collect())
}

fn share_out(wanted: &Fetches, remote: SocketAddr) -> Result<Vec<Fetch>> {
    let started = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || {
            let mut fetches = Vec::new();
            while started.fetch_add(1, Ordering::Relaxed) < wanted.connections {
                fetches.push(fetch(&wanted.path, remote)?);
            }
            Ok(fetches)
        };
        let workers: Vec<_> = (0..wanted.at_once).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for worker in workers {
            let fetches: Result<Vec<Fetch>> = worker.join().expect("a worker");
            all.extend(fetches?);
        }
        Ok(all)
    })
}

fn fetch(path: &str, remote: SocketAddr) -> Result<Fetch> {
    let tag = unique_tag();
    let request = format!("GET {path}?{tag} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n");
    let mut stream = TcpStream::connect_timeout(&remote, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let local = stream.local_addr()?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .with_context(|| format!("from {local}"))?;
    Ok(Fetch {
        local,
        tag,
        sent: request.len() as u64,
        received: answer.len() as u64,
    })
}

type ByTag = std::collections::HashMap<String, Request>;

fn by_tag(nginx: &Nginx) -> Result<ByTag> {
    let tag_of = |request: &Request| {
        let (_, rest) = request.request.split_once('?')?;
        rest.split(' ').next().map(str::to_owned)
    };
    let requests = nginx.requests()?.into_iter();
    Ok(requests
        .filter_map(|request| Some((tag_of(&request)?, request)))
        .collect())
}

fn truth(fetch: &Fetch, request: &Request, remote: SocketAddr) -> Truth {
    Truth {
        label: format!("http {}", fetch.tag),
        client: fetch.local.ip(),
        client_port: Some(fetch.local.port()),
        remote,
        translated: request.remote_addr,
        translated_port: Some(request.remote_port),
        sent: Count::of(fetch.sent, request.request_length),
        received: Count::of(request.bytes_sent, fetch.received),
        reasons: &["fin"],
    }
}
