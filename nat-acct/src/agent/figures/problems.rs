//! What somebody must act on, as far as it is so now. What has passed is in the log.

use super::{Figures, Interface};

/// A sink that is well takes a record within this, also on a busy machine.
const MOST_LAG_SECONDS: f64 = 10.0;
/// In percent.
const NEARLY_FULL: u64 = 90;

/// What is wrong, each in one line; nothing if all is well.
pub fn problems(figures: &Figures) -> Vec<String> {
    let mut problems: Vec<_> = figures.interfaces.iter().flat_map(of_interface).collect();
    problems.extend(of_output(figures));
    problems.extend(of_table(figures));
    problems
}

fn of_interface(interface: &Interface) -> Vec<String> {
    let name = &interface.name;
    let mut problems = Vec::new();
    if interface.hook.is_none() {
        let trouble = interface.trouble.as_deref();
        let trouble = trouble.unwrap_or("a program is missing");
        problems.push(format!("{name} is not watched: {trouble}"));
    }
    if interface.hides_packets {
        problems.push(format!(
            "{name} carries packets that the programs do not see"
        ));
    }
    for flowtable in &interface.flowtables {
        problems.push(format!(
            "the flowtable {flowtable} takes packets past {name}"
        ));
    }
    problems
}

fn of_output(figures: &Figures) -> Option<String> {
    let output = &figures.output;
    if let Some(cause) = &output.failing {
        return Some(cause.clone());
    }
    (output.lag_seconds > MOST_LAG_SECONDS).then(|| {
        format!(
            "{} records wait for {}, the oldest for {:.0} s",
            output.waiting, output.to, output.lag_seconds
        )
    })
}

fn of_table(figures: &Figures) -> Option<String> {
    let (table, recent) = (&figures.table, &figures.recent);
    if recent.not_taken > 0 {
        return Some(format!(
            "{} openings were not taken on in the last {:.0} s: raise --max-connections, or find \
             the flood",
            recent.not_taken, recent.seconds
        ));
    }
    (100 * table.used >= NEARLY_FULL * table.slots).then(|| {
        format!(
            "{} of {} places for connections are taken: raise --max-connections",
            table.used, table.slots
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::figures::of_a_day;

    #[test]
    fn what_is_well_has_no_problem() {
        assert_eq!(problems(&of_a_day()), Vec::<String>::new());
    }

    #[test]
    fn each_problem_is_told() {
        check(
            |figures| {
                figures.interfaces[0].hook = None;
                figures.interfaces[0].trouble = Some("the interface is gone".into());
            },
            "eth1 is not watched: the interface is gone",
        );
        check(
            |figures| figures.interfaces[1].hides_packets = true,
            "br0 carries packets that the programs do not see",
        );
        check(
            |figures| figures.interfaces[1].flowtables = vec!["f".into()],
            "the flowtable f takes packets past br0",
        );
        check(
            |figures| figures.output.failing = Some("cannot write records to x: full".into()),
            "cannot write records to x: full",
        );
        check(
            |figures| {
                figures.output.waiting = 3;
                figures.output.lag_seconds = 70.2;
            },
            "3 records wait for standard output, the oldest for 70 s",
        );
        check(
            |figures| figures.recent.not_taken = 5,
            "5 openings were not taken on in the last 60 s: raise --max-connections, or find the \
             flood",
        );
        check(
            |figures| figures.table.used = 90,
            "90 of 100 places for connections are taken: raise --max-connections",
        );
    }

    fn check(spoil: impl Fn(&mut Figures), expect: &str) {
        let mut figures = of_a_day();
        spoil(&mut figures);
        assert_eq!(problems(&figures), [expect]);
    }
}
