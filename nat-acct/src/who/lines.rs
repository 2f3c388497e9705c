//! Asking the lines themselves: all are read, and nothing is kept but what is asked for.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
};

use anyhow::{Context as _, Result};

use crate::{
    compression,
    record::{self, Connection, Identifier, Kind, Told},
    store::{Found, Input, Lines, Wanted},
};

/// What the lines have for each of what is wanted.
pub(super) fn find(inputs: &[Input], wanted: &[Wanted]) -> Result<Vec<Found>> {
    let mut reading = Reading {
        each: wanted.iter().map(|wanted| Part::new(*wanted)).collect(),
        all: Found::default(),
        rejected: 0,
    };
    for input in inputs {
        let (name, reader) = match input {
            Input::Stdin => ("standard input".to_owned(), compression::plain(io::stdin())),
            Input::File(path) => {
                let name = path.display().to_string();
                let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
                (name, compression::plain(file))
            }
        };
        if let Err(error) = reading.read(Lines::new(reader)) {
            reading.all.damaged.push(format!("{name}: {error}"));
        }
    }
    Ok(reading.finish())
}

struct Reading {
    each: Vec<Part>,
    /// What all of them have in common.
    all: Found,
    rejected: u64,
}

/// What is found for one that is wanted.
struct Part {
    wanted: Wanted,
    ended: Vec<Connection>,
    unknown: Vec<Connection>,
    /// The newest that is told of connections that were open, if they had this translated address once or
    /// may have had it.
    open: HashMap<Identifier, Told>,
    /// Connections that have ended, whenever, and had this translated address or may have had it.
    over: HashSet<Identifier>,
}

impl Reading {
    fn read<R: io::Read>(&mut self, mut lines: Lines<R>) -> io::Result<()> {
        while let Some(line) = lines.next_line()? {
            match record::read(line.bytes) {
                Ok(told) => self.add(&told),
                Err(_) if line.bytes.is_empty() => {}
                Err(_) => self.rejected += 1,
            }
        }
        Ok(())
    }

    fn add(&mut self, told: &Told) {
        self.all.numbers.add(told);
        if told.kind == Kind::End {
            self.all.longest_us = self.all.longest_us.max(told.took_us());
        }
        for part in &mut self.each {
            part.add(told);
        }
    }

    fn finish(self) -> Vec<Found> {
        let mut all = self.all;
        if self.rejected > 0 {
            let rejected = format!("{} lines are no records", self.rejected);
            all.damaged.push(rejected);
        }
        let each = self.each.into_iter();
        each.map(|part| part.finish(all.clone())).collect()
    }
}

impl Part {
    fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            ended: Vec::new(),
            unknown: Vec::new(),
            open: HashMap::new(),
            over: HashSet::new(),
        }
    }

    fn add(&mut self, told: &Told) {
        let connection = &told.connection;
        let is_wanted = connection
            .translated
            .is_some_and(|known| self.wanted.is_of(known));
        let is_there = self.wanted.covers(connection);
        match told.kind {
            Kind::End if is_wanted => {
                self.over.insert(connection.id);
                if is_there {
                    self.ended.push(connection.clone());
                }
            }
            Kind::End => {
                self.open.remove(&connection.id);
                if connection.may_have_been_translated() {
                    self.over.insert(connection.id);
                    if is_there {
                        self.unknown.push(connection.clone());
                    }
                }
            }
            Kind::Start | Kind::Update if is_there => {
                let may_be = is_wanted || connection.may_have_been_translated();
                match self.open.get_mut(&connection.id) {
                    Some(newest) if newest.written_us <= told.written_us => newest.clone_from(told),
                    None if may_be => drop(self.open.insert(connection.id, told.clone())),
                    Some(_) | None => {}
                }
            }
            Kind::Start | Kind::Update => {}
        }
    }

    fn finish(mut self, all: Found) -> Found {
        let mut open = Vec::new();
        for Told { connection, .. } in self.open.into_values() {
            match connection.translated {
                _ if self.over.contains(&connection.id) => {}
                Some(known) if self.wanted.is_of(known) => open.push(connection),
                None if connection.may_have_been_translated() => self.unknown.push(connection),
                Some(_) | None => {}
            }
        }
        Found {
            open,
            ended: self.ended,
            unknown: self.unknown,
            ..all
        }
    }
}
