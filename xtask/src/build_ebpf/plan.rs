//! From facts to steps. Pure: the route that cannot be walked on this machine
//! is tested here like the other.

use super::facts::{Compiler, Facts, Linker, Version};
use super::route::Route;
use super::step::Step;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// These steps, in this order.
    Do(Route, Vec<Step>),
    /// Nothing can be done from here; a person could do one of these.
    Ask([(Route, Vec<Step>); 2]),
}

/// What is ready comes first, then what can be made ready, Debian's before
/// rustup's because it needs less: a compiler that is a release, and no source.
pub fn choose(facts: &Facts) -> Plan {
    let ways = [Route::Debian, Route::Rustup].map(|route| (route, steps(facts, route)));
    let ready = ways.iter().find(|(_, steps)| steps == &[Step::Build]);
    let possible = || {
        ways.iter()
            .find(|(route, steps)| steps.iter().all(|step| may(facts, *route, *step)))
    };
    match ready.or_else(possible) {
        Some((route, steps)) => Plan::Do(*route, steps.clone()),
        None => Plan::Ask(ways),
    }
}

/// Whether Debian's route fails only for the age of the packages that apt knows of.
pub fn wants_newer_lists(facts: &Facts) -> bool {
    let is_old = facts.apt_rustc.is_some_and(|version| version < oldest());
    let installs_compiler = steps(facts, Route::Debian).contains(&Step::InstallCompiler);
    let is_needed = steps(facts, Route::Rustup) != [Step::Build];
    facts.root && facts.apt && is_old && installs_compiler && is_needed
}

/// What is missing on a route, and the build.
pub fn steps(facts: &Facts, route: Route) -> Vec<Step> {
    let mut steps = Vec::new();
    let compiler = match route {
        Route::Debian => facts.debian.filter(|_| facts.debian_cargo),
        Route::Rustup => facts.nightly,
    };
    let compiler = compiler.filter(|compiler| compiler.core && compiler.version >= oldest());
    if compiler.is_none() {
        steps.push(match route {
            Route::Debian => Step::InstallCompiler,
            Route::Rustup => Step::AddNightly,
        });
    }
    if !linker_fits(facts.linker, compiler) {
        let llvm_there = compiler.is_some_and(|compiler| facts.llvm_dev.contains(&compiler.llvm));
        if route == Route::Debian && !llvm_there {
            steps.push(Step::InstallLlvm);
        }
        steps.push(Step::InstallLinker);
    }
    steps.push(Step::Build);
    steps
}

/// A linker reads the bitcode of its own LLVM. One that does not tell is given
/// a try: a wrong one fails loudly.
fn linker_fits(linker: Linker, compiler: Option<Compiler>) -> bool {
    match (linker, compiler) {
        (Linker::Missing, _) | (_, None) => false,
        (Linker::Untold, Some(_)) => true,
        (Linker::With(llvm), Some(compiler)) => llvm == compiler.llvm,
    }
}

fn may(facts: &Facts, route: Route, step: Step) -> bool {
    match step {
        Step::InstallCompiler => {
            let offered = match facts.apt_rustc {
                Some(version) => version >= oldest(),
                None => !facts.apt_lists,
            };
            facts.root && facts.apt && offered
        }
        Step::InstallLlvm => facts.root && facts.apt,
        Step::AddNightly => facts.rustup,
        Step::InstallLinker | Step::Build => route == Route::Debian || facts.rustup,
    }
}

/// The oldest compiler that the workspace allows.
fn oldest() -> Version {
    let mut numbers = env!("CARGO_PKG_RUST_VERSION")
        .split('.')
        .flat_map(str::parse);
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{AddNightly, Build, InstallCompiler, InstallLinker, InstallLlvm};

    const DEBIAN: Compiler = Compiler {
        version: (1, 96),
        llvm: 22,
        core: true,
    };
    const NIGHTLY: Compiler = Compiler {
        version: (1, 98),
        llvm: 23,
        core: true,
    };

    #[test]
    fn what_is_ready_is_taken() {
        let mut facts = fresh_debian();
        facts.nightly = Some(NIGHTLY);
        facts.linker = Linker::With(23);
        check(&facts, Some(Route::Rustup), &[Build]);
        facts.debian = Some(DEBIAN);
        facts.debian_cargo = true;
        check(&facts, Some(Route::Rustup), &[Build]);
        facts.linker = Linker::With(22);
        check(&facts, Some(Route::Debian), &[Build]);
        facts.linker = Linker::Untold;
        check(&facts, Some(Route::Debian), &[Build]);
    }

    #[test]
    fn a_fresh_debian_gets_packages() {
        let all = [InstallCompiler, InstallLlvm, InstallLinker, Build];
        check(&fresh_debian(), Some(Route::Debian), &all);
        // In a fresh container apt knows no package before its update.
        let container = Facts {
            apt_lists: false,
            apt_rustc: None,
            ..fresh_debian()
        };
        check(&container, Some(Route::Debian), &all);
    }

    #[test]
    fn a_linker_of_another_llvm_is_made_anew() {
        let mut facts = fresh_debian();
        facts.debian = Some(DEBIAN);
        facts.debian_cargo = true;
        facts.linker = Linker::With(21);
        check(
            &facts,
            Some(Route::Debian),
            &[InstallLlvm, InstallLinker, Build],
        );
        facts.llvm_dev = vec![22];
        check(&facts, Some(Route::Debian), &[InstallLinker, Build]);
    }

    #[test]
    fn a_debian_without_its_security_updates_turns_to_rustup() {
        let mut facts = Facts {
            apt_rustc: Some((1, 85)),
            rustup: true,
            ..fresh_debian()
        };
        check(
            &facts,
            Some(Route::Rustup),
            &[AddNightly, InstallLinker, Build],
        );
        facts.rustup = false;
        check(&facts, None, &[]);
    }

    #[test]
    fn old_lists_are_renewed_where_that_may_help() {
        let mut facts = Facts {
            apt_rustc: Some((1, 85)),
            rustup: true,
            ..fresh_debian()
        };
        assert!(wants_newer_lists(&facts));
        facts.root = false;
        assert!(!wants_newer_lists(&facts), "only root may");
        facts.root = true;
        facts.nightly = Some(NIGHTLY);
        facts.linker = Linker::With(23);
        assert!(!wants_newer_lists(&facts), "rustup's way is ready");
        assert!(!wants_newer_lists(&fresh_debian()));
    }

    #[test]
    fn elsewhere_rustup_gets_what_is_missing() {
        let mut facts = Facts {
            rustup: true,
            ..Facts::default()
        };
        check(
            &facts,
            Some(Route::Rustup),
            &[AddNightly, InstallLinker, Build],
        );
        facts.nightly = Some(Compiler {
            core: false,
            ..NIGHTLY
        });
        facts.linker = Linker::With(23);
        check(
            &facts,
            Some(Route::Rustup),
            &[AddNightly, InstallLinker, Build],
        );
        facts.nightly = Some(NIGHTLY);
        check(&facts, Some(Route::Rustup), &[Build]);
    }

    #[test]
    fn without_root_and_without_rustup_a_person_is_asked() {
        check(
            &Facts {
                root: false,
                ..fresh_debian()
            },
            None,
            &[],
        );
        check(&Facts::default(), None, &[]);
        // What is ready needs no root.
        let ready = Facts {
            debian: Some(DEBIAN),
            debian_cargo: true,
            linker: Linker::With(22),
            ..Facts::default()
        };
        check(&ready, Some(Route::Debian), &[Build]);
    }

    fn fresh_debian() -> Facts {
        Facts {
            root: true,
            apt: true,
            apt_lists: true,
            apt_rustc: Some((1, 96)),
            ..Facts::default()
        }
    }

    #[track_caller]
    fn check(facts: &Facts, route: Option<Route>, steps: &[Step]) {
        match (choose(facts), route) {
            (Plan::Do(chosen, planned), Some(route)) => {
                assert_eq!((chosen, planned.as_slice()), (route, steps));
            }
            (Plan::Ask(_), None) => {}
            (plan, route) => panic!("{plan:?} where {route:?} was expected"),
        }
    }
}
