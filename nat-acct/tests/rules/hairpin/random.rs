//! Many connections between clients with few numbers, in any order: a half that is named is the
//! right one.

use proptest::prelude::*;

use super::{Gateway, Hairpin, Match, Sender, end, endpoint, flag, gateway, translated};

/// How a connection goes on with each of its turns.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Enters,
    Leaves,
    IsAnswered,
    Ends,
    IsOver,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    isns: (u32, u32),
    keeps_address: bool,
    is_dropped: bool,
}

proptest! {
    #[test]
    fn who_is_named_is_the_other_half(
        plans in prop::collection::vec(plan(), 1..8),
        turns in prop::collection::vec(0..8usize, 1..60),
        pause_s in 0..3u64,
    ) {
        let mut gateway = gateway();
        let mut connections: Vec<_> = (0..).zip(&plans).map(|(n, plan)| (hairpin(n, plan), Turn::Enters)).collect();
        for turn in turns {
            if let Some(plan) = plans.get(turn) {
                go_on(&mut gateway, &mut connections[turn], plan);
                gateway.wait(pause_s * 1_000_000_000);
            }
        }
        let mut records = end(&mut gateway);
        records.extend(gateway.stop());
        for record in records.iter().filter(|record| record.matched == Match::Hairpin) {
            let views = connections.iter().flat_map(|(hairpin, _)| {
                let (caller, called) = (hairpin.caller, hairpin.called);
                [(caller, called), (called, caller)]
            });
            let ends = (record.client, record.remote);
            let mut own = views.filter(|(own, _)| (endpoint(own.client), endpoint(own.remote)) == ends);
            let (_, other) = own.next().expect("the half of a connection");
            let named = record.translated.map(|translated| translated.endpoint);
            prop_assert_eq!(named, Some(endpoint(other.remote)));
        }
    }
}

fn plan() -> impl Strategy<Value = Plan> {
    let isn = || prop::sample::select(vec![1_000, 2_000]);
    (isn(), isn(), any::<bool>(), any::<bool>()).prop_map(
        |(caller_isn, called_isn, keeps_address, is_dropped)| Plan {
            isns: (caller_isn, called_isn),
            keeps_address,
            is_dropped,
        },
    )
}

fn hairpin(number: u16, plan: &Plan) -> Hairpin {
    let mut hairpin = translated(5000 + number, plan.isns.0, plan.isns.1);
    if plan.keeps_address {
        hairpin.called.remote = hairpin.caller.client;
    }
    hairpin
}

fn go_on(gateway: &mut Gateway, (hairpin, turn): &mut (Hairpin, Turn), plan: &Plan) {
    *turn = match *turn {
        Turn::Enters => {
            gateway.inside(hairpin.caller.by_client(flag::SYN, 0), Sender::Client);
            if plan.is_dropped {
                Turn::IsOver
            } else {
                Turn::Leaves
            }
        }
        Turn::Leaves => {
            gateway.inside(hairpin.called.by_remote(flag::SYN, 0), Sender::Remote);
            Turn::IsAnswered
        }
        Turn::IsAnswered => {
            hairpin.shake_hands(gateway);
            Turn::Ends
        }
        Turn::Ends => {
            hairpin.close(gateway);
            Turn::IsOver
        }
        Turn::IsOver => Turn::IsOver,
    }
}
