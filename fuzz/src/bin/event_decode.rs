#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flue_braintrust_fuzz::event_decode(data));
