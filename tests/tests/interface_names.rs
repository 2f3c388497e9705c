//! Interfaces with names that JSON, or the agent's libraries, cannot take as
//! they are. The kernel refuses only `/`, `:` and white space.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, Send};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::{Agent, Background, Family, Lab, Ns, agent, in_a_lab};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_record_is_one_json_object_whatever_the_interface_is_called() -> Result<()> {
    let name = "\"b\\r'\u{1}\u{7f}é{0";
    in_a_lab(|lab| {
        rename_inside(lab, name.as_ref())?;
        let binary = agent::binary()?;
        let run = ["run", "--inside", name, "--outside", OUTSIDE];
        let mut agent = Agent::spawn(lab, &binary, &run)?;
        agent.wait_attached()?;
        let done = Conversation::new(lab, Ns::Client1, Family::V4).run(
            &[Send(700), Receive(90), Close],
            &[Receive(700), Send(90), Close],
        )?;
        let records = agent.wait_for_records(1, SOON)?;
        // Reading them was the proof that each line is JSON.
        assert_equal(
            &[done.truth("odd name", &["fin"])],
            &agent::closing(&records)?,
        );
        assert_eq!(records[0]["observer"]["ingress"]["interface"]["name"], name);
        Ok(())
    })
}

/// What attaches the programs takes text only, so this is refused in a line.
#[test]
fn a_name_that_is_not_utf_8_is_refused_in_one_line() -> Result<()> {
    let name = OsStr::from_bytes(b"br\xff\"");
    in_a_lab(|lab| {
        rename_inside(lab, name)?;
        let mut command = lab.command(Ns::Gateway, agent::binary()?);
        command
            .args(["run", "--outside", OUTSIDE, "--inside"])
            .arg(name);
        let mut agent = Background::start(command, lab.dir(), "refused")?;
        let status = agent.wait(SOON)?;
        let said = agent.stderr();
        assert_eq!(status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(r#""br\xFF\"" is not UTF-8"#), "{said}");
        Ok(())
    })
}

fn rename_inside(lab: &Lab, name: &OsStr) -> Result<()> {
    lab.run(Ns::Gateway, &format!("ip link set {INSIDE} down"))?;
    let mut rename = lab.command(Ns::Gateway, "ip");
    rename
        .args(["link", "set", INSIDE, "name"])
        .arg(name)
        .arg("up");
    let mut renaming = Background::start(rename, lab.dir(), "rename")?;
    let status = renaming.wait(SOON)?;
    assert!(status.success(), "{}", renaming.stderr());
    Ok(())
}
