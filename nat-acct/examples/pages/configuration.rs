//! The manual page of the configuration.

use nat_acct::cli::{self, Key};
use roff::{Roff, bold, roman};

use super::SOURCE;

pub fn page() -> String {
    let mut page = Roff::new();
    page.control("TH", ["nat-acct.toml", "5", "", SOURCE]);
    page.control("SH", ["NAME"]);
    page.text([roman("nat-acct.toml - configuration of nat-acct")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([
        bold("nat-acct run --config FILE"),
        roman(
            " reads its options from a TOML file. A key is the long name of an option. An option \
             that may be given several times takes one value or an array. What is given on the \
             command line wins. An unknown key is an error.",
        ),
    ]);
    page.control("PP", []);
    page.text([
        bold("nat-acct config check"),
        roman(
            " says whether a file is in order. On SIGHUP (systemctl reload nat-acct) the file is \
             read again, and the keys that say so below change at once.",
        ),
    ]);
    page.control("SH", ["KEYS"]);
    for key in cli::keys() {
        entry(&mut page, &key);
    }
    page.control("SH", ["FILES"]);
    page.text([
        bold(cli::DEFAULT_FILE),
        roman(" is what the service reads."),
    ]);
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("nat-acct"),
        roman("(1), "),
        bold("nat-acct-run"),
        roman("(1)"),
    ]);
    page.render()
}

fn entry(page: &mut Roff, key: &Key) {
    page.control("TP", []);
    page.text([bold(&*key.name), roman(format!(" = {}", key.example))]);
    for (number, paragraph) in key.explained.iter().enumerate() {
        if number > 0 {
            page.control("IP", []);
        }
        page.text([roman(&**paragraph)]);
    }
}
