//! The interfaces that were asked for, all of them: which there are, and what has happened to them.

use anyhow::{Context as _, Result, bail};
use aya::Ebpf;
use nat_acct_common::layout::{Interface, Interfaces, MAX_INTERFACES};

use super::{
    Change, Hook, InterfaceState, What,
    attach::{Owner, Side},
    by_hand::Run,
    flowtables,
    links::Links,
    mapped::MappedArray,
    pins::Pins,
    places::Places,
    programs::Means,
    table::mapped,
    watched::Watched,
};

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
        self.each(ebpf, |watched, means, listed| {
            let hooks = watched.attach(means, listed)?;
            Ok(hooks.map(What::Attached).into_iter().collect())
        })
    }

    pub(super) fn attach_again(&mut self, ebpf: &mut Ebpf, places: &Places) -> Result<Vec<Change>> {
        self.begin(places)?;
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

    pub(super) fn tend(&mut self, ebpf: &mut Ebpf) -> Result<Vec<Change>> {
        self.each(ebpf, |watched, means, listed| {
            Ok(watched.tend(means, listed))
        })
    }

    pub(super) fn is_bypassed(&self) -> bool {
        self.watched.iter().any(Watched::is_bypassed)
    }

    pub(super) fn states(&self) -> Vec<InterfaceState> {
        self.watched.iter().map(Watched::state).collect()
    }

    pub(super) fn detach(&mut self) {
        for watched in self.watched.iter_mut().rev() {
            watched.detach();
        }
    }

    fn each(
        &mut self,
        ebpf: &mut Ebpf,
        mut act: impl FnMut(&mut Watched, &mut Means<'_>, &Interface) -> Result<Vec<What>>,
    ) -> Result<Vec<Change>> {
        let names: Vec<_> = self.watched.iter().map(Watched::name).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut means = Means {
            ebpf,
            links: &self.links,
            flowtables: &flowtables::read(),
            names: &names,
            wanted: self.wanted,
            owner: &self.owner,
            pins: self.pins.as_ref(),
        };
        // Where the kernel does not run it now, it will.
        let _: Run = means.exchange_interfaces()?;
        let mut changes = Vec::new();
        for watched in &mut self.watched {
            let side = self.listed.get(watched.side().element());
            let listed = side.and_then(|side| side.get(watched.number()));
            let listed = listed.context("the map INTERFACES is too small")?;
            let news = act(watched, &mut means, listed)?;
            changes.extend(news.into_iter().map(|what| Change {
                interface: watched.name(),
                what,
            }));
        }
        Ok(changes)
    }
}
