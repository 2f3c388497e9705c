//! The tests that run on each kernel. Emulation is slow, so these are few: together they show that
//! the programs load, attach, match, count exactly, close, and go again; and what devices only
//! these kernels have.

/// The tests of one file.
pub struct File {
    pub name: &'static str,
    pub tests: &'static [&'static str],
}

pub const TESTS: [File; 6] = [
    File {
        name: "this_kernel",
        tests: &["it_is_attached_where_it_can_be_counts_and_is_gone"],
    },
    File {
        name: "every_ending",
        tests: &[
            "the_agent_stops",
            "the_remote_opened_it_through_a_port_forward",
        ],
    },
    File {
        name: "neighbours",
        tests: &[
            "a_clsact_filter_sees_all_beside_a_clsact_agent",
            "foreign_filters_and_their_qdisc_stay",
        ],
    },
    File {
        name: "reuse",
        tests: &[
            "again_right_after_rst",
            "one_port_leads_to_two_remotes_at_once",
        ],
    },
    File {
        name: "undisturbed",
        tests: &[
            "garbage_passes",
            "the_smallest_ring_buffer_loses_no_record",
            "udp_icmp_and_fragments_pass",
        ],
    },
    File {
        name: "devices",
        tests: &[
            "bond::a_bond_is_the_inside",
            "flowtable::over_the_inside_and_the_outside",
            "flowtable::over_the_ports_of_the_bridge",
            "ppp::ppp_is_the_outside",
            "tunnel::ipip_is_the_outside",
            "tunnel::wireguard_is_the_inside",
            "tunnel::wireguard_is_the_outside",
            "vlan::a_trunk_is_the_inside",
            "vlan::a_trunk_with_two_tags_is_the_inside",
            "vlan::a_vlan_in_a_vlan_is_the_inside",
            "vlan::a_vlan_is_the_inside",
            "vlan::the_outer_vlan_is_the_inside",
        ],
    },
];
