#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| belfry_fuzz::store_checks::segment_part(data));
