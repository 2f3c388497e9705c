#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nat_acct_fuzz::capture(data));
