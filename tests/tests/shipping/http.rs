//! Receivers that speak HTTP: a stand-in for the bulk endpoint of Elasticsearch, and one for the
//! inserts of ClickHouse. Whenever they start, they take the first request and break off without an
//! answer, as one that is killed does; so the shipper cannot know that the records are there, and
//! sends them again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Request};
use crate::faults::{Receiver, Side};
use crate::received::Received;

/// A receiver.
pub struct Http {
    endpoint: Endpoint,
    received: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    received: Received,
    is_answering: bool,
    /// Elasticsearch only: which document a record became.
    documents: BTreeMap<String, String>,
}

impl Http {
    /// Takes documents by `POST /_bulk`.
    pub fn bulk() -> Result<Self> {
        Self::start(|state, request| {
            if request.method != "POST" {
                return Some("{}".to_owned());
            }
            assert_eq!(request.target, "/_bulk");
            let lines: Vec<&str> = request.body.lines().collect();
            let items: Vec<Value> = lines.chunks(2).map(|pair| index(state, pair)).collect();
            Some(json!({ "took": 1, "errors": false, "items": items }).to_string())
        })
    }

    /// Takes lines by an INSERT whose query is in the URL.
    pub fn insert(query: &'static str) -> Result<Self> {
        Self::start(move |state, request| {
            assert_eq!(request.method, "POST");
            assert!(request.target.contains(query), "{}", request.target);
            for line in request.body.lines() {
                state.received.take(line);
            }
            Some(String::new())
        })
    }

    fn start(
        answer: impl Fn(&mut State, &Request) -> Option<String> + Send + Sync + 'static,
    ) -> Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let received = Arc::clone(&state);
        let endpoint = Endpoint::start(Arc::new(move |request| {
            let mut state = state.lock().unwrap();
            let body = answer(&mut state, request);
            let answers = state.is_answering || request.method != "POST";
            state.is_answering |= request.method == "POST";
            body.filter(|_| answers)
        }))?;
        Ok(Self { endpoint, received })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.endpoint.port()
    }

    /// How many records came again.
    pub fn again(&self) -> usize {
        self.received.lock().unwrap().received.again
    }

    /// The names that Elasticsearch's documents got, by index and `_id`.
    pub fn documents(&self) -> BTreeMap<String, String> {
        self.received.lock().unwrap().documents.clone()
    }
}

impl Side for Http {
    fn start(&mut self) -> Result<()> {
        self.received.lock().unwrap().is_answering = false;
        self.endpoint.start_again()
    }

    fn stop(&mut self) -> Result<()> {
        self.endpoint.stop()
    }
}

impl Receiver for Http {
    fn records(&self) -> Result<usize> {
        Ok(self.received.lock().unwrap().received.lines()?.len())
    }

    fn check(&self, written: &BTreeMap<String, String>) -> Result<()> {
        self.received.lock().unwrap().received.check(written)
    }

    fn wait_for_try(&self) -> Result<()> {
        self.endpoint.wait_for_try()
    }
}

/// One document, as two lines of a bulk request.
fn index(state: &mut State, pair: &[&str]) -> Value {
    match try_index(state, pair) {
        Ok(name) => json!({ "index": { "_id": name, "status": 201 } }),
        Err(error) => json!({ "index": { "status": 400, "error": format!("{error:#}") } }),
    }
}

fn try_index(state: &mut State, pair: &[&str]) -> Result<String> {
    let [action, line] = pair else {
        anyhow::bail!("an action without a document")
    };
    let action: Value = serde_json::from_str(action)?;
    let action = &action["index"];
    let index = action["_index"].as_str().context("no _index")?;
    let id = action["_id"].as_str().context("no _id")?;
    ensure!(!id.is_empty(), "an empty _id");
    state.received.take(line);
    let name = format!("{index}/{id}");
    state.documents.insert(name.clone(), (*line).to_owned());
    Ok(name)
}
