//! The tests that run on each kernel. Emulation is slow, so these are few: together they show that
//! the programs load, attach, match, count exactly, close, and go again; and what devices only
//! these kernels have.

/// A test of `nat-acct-tests`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// The file that it is in.
    pub file: &'static str,
    /// Its name in there.
    pub name: &'static str,
}

/// All of them, or those whose file and name, `file::name`, contain one of the words.
pub fn selected(words: &[String]) -> Vec<Test> {
    let tests = TESTS.iter().flat_map(|(file, names)| {
        let test = move |name: &&'static str| Test { file, name };
        names.iter().map(test)
    });
    let is_wanted = |test: &Test| {
        let whole = format!("{}::{}", test.file, test.name);
        words.is_empty() || words.iter().any(|word| whole.contains(word))
    };
    tests.filter(is_wanted).collect()
}

const TESTS: &[(&str, &[&str])] = &[
    (
        "this_kernel",
        &["it_is_attached_where_it_can_be_counts_and_is_gone"],
    ),
    ("adoption", &["connections_go_on_from_agent_to_agent"]),
    (
        "every_ending",
        &[
            "the_agent_stops",
            "the_remote_opened_it_through_a_port_forward",
        ],
    ),
    (
        "environment",
        &["a_limit_of_locked_memory_is_raised_or_named"],
    ),
    (
        "flowtables",
        &[
            "one_over_the_interfaces_changes_nothing",
            "one_over_the_ports_of_the_bridge_is_warned_of",
        ],
    ),
    ("neighbours", &["foreign_filters_and_their_qdisc_stay"]),
    ("reuse", &["one_port_leads_to_two_remotes_at_once"]),
    (
        "undisturbed",
        &["garbage_passes", "udp_icmp_and_fragments_pass"],
    ),
    (
        "devices",
        &[
            "bond::a_bond_is_the_inside",
            "ppp::ppp_is_the_outside",
            "tunnel::ipip_is_the_outside",
            "tunnel::wireguard_is_the_inside",
            "tunnel::wireguard_is_the_outside",
            "vlan::a_trunk_is_the_inside",
            "vlan::a_trunk_with_two_tags_is_the_inside",
            "vlan::a_vlan_in_a_vlan_is_the_inside",
            "vlan::a_vlan_is_the_inside",
        ],
    ),
];
