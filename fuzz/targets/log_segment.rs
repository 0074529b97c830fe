#![no_main]

libfuzzer_sys::fuzz_target!(
    init: belfry_fuzz::abort_on_escaped_panics_only(),
    |data: &[u8]| belfry_fuzz::store_checks::log_segment(data)
);
