//! Notes as the page `docs/SHAPES.md`.

use std::fmt::Write as _;

use super::{Notes, Way};

const BEGINNING: &str = "\
# Shapes of packets and gateways

What the tests have shown, and how: `live` through interfaces, by a `test run` of the programs in
the kernel, by `replay` of captures. `cargo xtask test` fails when this page says anything else than
its tests; `cargo xtask test --shapes` writes it.
";

/// The page. A group is a section, a case a row.
#[must_use]
pub fn render(notes: &Notes) -> String {
    let mut page = BEGINNING.to_owned();
    let mut last_group = None;
    for ((group, case), shown) in notes {
        if last_group != Some(group) {
            page += &heading(group);
            last_group = Some(group);
        }
        page += &format!("| {case} |");
        for way in Way::ALL {
            let result = shown.get(&way).map_or("", String::as_str);
            // Writing to a string does not fail.
            let _ = write!(page, " {result} |");
        }
        page.push('\n');
    }
    page
}

fn heading(group: &str) -> String {
    let names = Way::ALL.map(Way::name).join(" | ");
    format!("\n## {group}\n\n| case | {names} |\n| --- | --- | --- | --- |\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::Shown;

    #[test]
    fn a_group_is_a_section_and_a_case_a_row() {
        let case = |group: &str, name: &str| (group.to_owned(), name.to_owned());
        let shown = |way| Shown::from([(way, "exact".to_owned())]);
        let notes = Notes::from([
            (case("Packets", "QinQ"), shown(Way::TestRun)),
            (case("Gateways", "hairpin"), shown(Way::Live)),
        ]);
        let page = render(&notes);
        let expect = "
## Gateways

| case | live | test run | replay |
| --- | --- | --- | --- |
| hairpin | exact |  |  |

## Packets

| case | live | test run | replay |
| --- | --- | --- | --- |
| QinQ |  | exact |  |
";
        assert_eq!(page.strip_prefix(BEGINNING), Some(expect));
    }
}
