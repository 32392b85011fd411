#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flue_braintrust_fuzz::json_strings(data));
