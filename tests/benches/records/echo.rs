//! Something that asks for the same events as the engine and does nothing with them: what is left is
//! what it takes to make them.

use std::collections::VecDeque;

use nat_acct::{
    engine::{Event, Request, Timeouts},
    record::Account,
};

use super::gateway::Listener;

/// See the module's description.
pub struct Echo {
    /// What all records are.
    account: Account,
    linger_ns: u64,
    /// Slots of connections that have ended, and until when stragglers are waited for.
    ended: VecDeque<(u64, u32)>,
    requests: VecDeque<Request>,
    records: VecDeque<u32>,
}

impl Echo {
    pub fn new(account: Account) -> Self {
        Self {
            account,
            linger_ns: Timeouts::default().linger_ns,
            ended: VecDeque::new(),
            requests: VecDeque::new(),
            records: VecDeque::new(),
        }
    }
}

impl Listener for Echo {
    /// Out of line, as that of the engine is, or what nobody reads would not be made.
    #[inline(never)]
    fn handle_event(&mut self, event: Event, now_ns: u64) {
        match event {
            Event::Seen(facts) if facts.has_both_fins() => {
                let over_ns = facts.last_seen_ns + self.linger_ns;
                if over_ns <= now_ns {
                    self.requests.push_back(Request::Retire(facts.slot));
                } else {
                    self.ended.push_back((over_ns, facts.slot));
                }
            }
            Event::Harvested(facts, _) => self.records.push_back(facts.slot),
            Event::Seen(_) | Event::OutsideSyn(..) | Event::Counted(_) | Event::Released(_) => {}
        }
    }

    fn handle_timeout(&mut self, now_ns: u64) {
        while let Some((_, slot)) = self.ended.pop_front_if(|(over_ns, _)| *over_ns <= now_ns) {
            self.requests.push_back(Request::Look(slot));
        }
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.ended.front().map(|(over_ns, _)| *over_ns)
    }

    fn poll_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    fn poll_record(&mut self) -> Option<Account> {
        let slot = self.records.pop_front()?;
        Some(Account {
            slot,
            ..self.account
        })
    }
}
