#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| belfry_fuzz::api_checks::put_metric_data(data));
