//! The arguments of a benchmark that nobody has typed.

/// Each at its default.
pub fn defaults<T: clap::Args>() -> T {
    let command = T::augment_args(clap::Command::new("bench"));
    let matches = command.get_matches_from(["bench"]);
    T::from_arg_matches(&matches).expect("all have defaults")
}
