//! The interfaces that were asked for, all of them: which there are, and what has happened to them.

use anyhow::{Context as _, Result, bail};
use aya::Ebpf;
use nat_acct_common::layout::{Direction, Interface, Interfaces, MAX_INTERFACES};

use super::{
    Change, Hook, InterfaceState, What,
    attach::{Owner, Side, remove_owners},
    flowtables,
    links::Links,
    mapped::MappedArray,
    pins::Pins,
    places::Places,
    programs::Means,
    table::mapped,
    watched::Watched,
};
use crate::clock;

/// See the module.
pub(super) struct Watch {
    listed: MappedArray<Interfaces>,
    owner: Owner,
    /// Where programs and maps live on, if they are to.
    pins: Option<Pins>,
    wanted: Option<Hook>,
    links: Links,
    watched: Vec<Watched>,
}

impl Watch {
    pub(super) fn new(ebpf: &Ebpf, owner: Owner, pins: Option<Pins>) -> Result<Self> {
        Ok(Self {
            listed: mapped(ebpf, "INTERFACES", Side::ALL.len() as u32)?,
            owner,
            pins,
            wanted: None,
            links: Links::default(),
            watched: Vec::new(),
        })
    }

    pub(super) fn attach(&mut self, ebpf: &mut Ebpf, places: &Places) -> Result<Vec<Change>> {
        self.begin(places)?;
        let changes = self.each(ebpf, |watched, means, _| {
            let hooks = watched.attach(means)?;
            Ok(hooks.map(What::Attached).into_iter().collect())
        })?;
        changes.context("the kernel does not run programs by hand now")
    }

    pub(super) fn attach_again(&mut self, ebpf: &mut Ebpf, places: &Places) -> Result<Vec<Change>> {
        self.begin(places)?;
        self.take_off_what_is_left()?;
        self.tend(ebpf)
    }

    fn begin(&mut self, places: &Places) -> Result<()> {
        self.wanted = places.hook;
        // The outside first: an opening that is seen on the inside must not miss its other half.
        for (side, names) in [
            (Side::Outside, &places.outside),
            (Side::Inside, &places.inside),
        ] {
            if names.len() > MAX_INTERFACES {
                bail!("at most {MAX_INTERFACES} interfaces a side");
            }
            let watched = |(number, name): (_, &String)| Watched::new(name.clone(), side, number);
            self.watched.extend(names.iter().enumerate().map(watched));
        }
        self.read_links()
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(super) fn pins(&self) -> Option<&Pins> {
        self.pins.as_ref()
    }

    pub(super) fn read_links(&mut self) -> Result<()> {
        self.links = Links::read()?;
        if let Some(inside) = self.listed.get(Side::Inside.element()) {
            inside.set_ifbs(self.links.ifbs());
        }
        Ok(())
    }

    /// Where programs do not take over now which interfaces there are, all of it is left to the next
    /// call.
    pub(super) fn tend(&mut self, ebpf: &mut Ebpf) -> Result<Vec<Change>> {
        let changes = self.each(ebpf, |watched, means, listed| {
            Ok(watched.tend(means, listed))
        })?;
        Ok(changes.unwrap_or_default())
    }

    /// Takes the programs of the agent before this one off interfaces that are not to have them now. They
    /// go by what that agent knew: under another name, or below another interface, one would be counted
    /// twice.
    fn take_off_what_is_left(&self) -> Result<()> {
        let names = self.names();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let is_allowed = |name: &str| self.links.describe_allowed(name, &names).is_ok();
        if let Some(pins) = &self.pins {
            let away = self
                .watched
                .iter()
                .filter(|watched| !is_allowed(&watched.name()));
            away.for_each(|watched| watched.unpin(pins));
        }
        let others = self.links.all();
        let others = others.filter(|(name, _)| !names.contains(name) || !is_allowed(name));
        for (interface, index) in others {
            for direction in Direction::ALL {
                remove_owners(interface, index, direction, &self.owner)
                    .with_context(|| format!("cannot take programs off {interface}"))?;
            }
        }
        Ok(())
    }

    pub(super) fn bypassed(&self, side: Side) -> impl Iterator<Item = usize> {
        self.of_side(side)
            .filter(|watched| watched.is_bypassed())
            .map(Watched::number)
    }

    pub(super) fn hides_since_ns(&self, side: Side) -> Option<u64> {
        self.of_side(side).filter_map(Watched::hides_since_ns).min()
    }

    fn of_side(&self, side: Side) -> impl Iterator<Item = &Watched> {
        let all = self.watched.iter();
        all.filter(move |watched| watched.side() == side)
    }

    pub(super) fn states(&self) -> Vec<InterfaceState> {
        self.watched.iter().map(Watched::state).collect()
    }

    pub(super) fn detach(&mut self) {
        for watched in self.watched.iter_mut().rev() {
            watched.detach();
        }
    }

    /// Of the interfaces that were asked for.
    fn names(&self) -> Vec<String> {
        self.watched.iter().map(Watched::name).collect()
    }

    /// Does something with each interface, after the programs have taken over what they have to know of
    /// all; `None` if they do not now.
    fn each(
        &mut self,
        ebpf: &mut Ebpf,
        mut act: impl FnMut(&mut Watched, &mut Means<'_>, &Interface) -> Result<Vec<What>>,
    ) -> Result<Option<Vec<Change>>> {
        let names = self.names();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut means = Means {
            ebpf,
            links: &self.links,
            flowtables: &flowtables::read(),
            looked_ns: clock::monotonic_ns(),
            names: &names,
            wanted: self.wanted,
            owner: &self.owner,
            pins: self.pins.as_ref(),
        };
        for watched in &self.watched {
            watched.list(&self.links, &names, listed(&self.listed, watched)?);
        }
        if !means.exchange_interfaces()? {
            return Ok(None);
        }
        let mut changes = Vec::new();
        for watched in &mut self.watched {
            let listed = listed(&self.listed, watched)?;
            let news = act(watched, &mut means, listed)?;
            changes.extend(news.into_iter().map(|what| Change {
                interface: watched.name(),
                what,
            }));
        }
        Ok(Some(changes))
    }
}

/// The interface in the map INTERFACES.
fn listed<'a>(all: &'a MappedArray<Interfaces>, watched: &Watched) -> Result<&'a Interface> {
    let side = all.get(watched.side().element());
    let interface = side.and_then(|side| side.get(watched.number()));
    interface.context("the map INTERFACES is too small")
}
