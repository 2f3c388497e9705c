//! The capabilities that an agent needs that has loaded its programs.

use caps::{CapSet, Capability, CapsHashSet, errors::CapsError};

/// To attach again: filters take the first. With `kernel.unprivileged_bpf_disabled`, kernels before
/// Linux 5.19 let nobody look into maps without the second (kernel: kernel/bpf/syscall.c).
const NEEDED: [Capability; 2] = [Capability::CAP_NET_ADMIN, Capability::CAP_BPF];
/// What stands for CAP_BPF where the agent was started with it alone.
const INSTEAD: Capability = Capability::CAP_SYS_ADMIN;

/// Gives all others up.
pub(super) fn keep_needed() -> Result<(), CapsError> {
    let permitted = caps::read(None, CapSet::Permitted)?;
    let kept = kept(&permitted);
    if permitted.contains(&Capability::CAP_SETPCAP) {
        for capability in caps::read(None, CapSet::Bounding)?.difference(&kept) {
            caps::drop(None, CapSet::Bounding, *capability)?;
        }
    }
    caps::clear(None, CapSet::Ambient)?;
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)
}

fn kept(permitted: &CapsHashSet) -> CapsHashSet {
    let mut kept: CapsHashSet = NEEDED.into_iter().collect();
    kept.retain(|capability| permitted.contains(capability));
    if !kept.contains(&Capability::CAP_BPF) && permitted.contains(&INSTEAD) {
        kept.insert(INSTEAD);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_kept_and_nothing_is_made_up() {
        use Capability::{CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN};
        check(&[CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON], &NEEDED);
        check(&[CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN], &NEEDED);
        check(
            &[CAP_NET_ADMIN, CAP_SYS_ADMIN],
            &[CAP_NET_ADMIN, CAP_SYS_ADMIN],
        );
        check(&[CAP_NET_ADMIN], &[CAP_NET_ADMIN]);
        check(&[], &[]);
    }

    fn check(permitted: &[Capability], expect: &[Capability]) {
        let set = |capabilities: &[Capability]| capabilities.iter().copied().collect();
        assert_eq!(kept(&set(permitted)), set(expect));
    }
}
