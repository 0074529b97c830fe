//! Runs the seeds of the fuzz targets (`fuzz/`) through what the targets check, so that a
//! finding that became a seed stays mended.

use std::path::Path;

#[path = "../../fuzz/checks/api.rs"]
mod api_checks;
#[path = "../../fuzz/checks/mod.rs"]
mod checks;
#[path = "../../fuzz/checks/notify.rs"]
mod notify_checks;
#[path = "../../fuzz/checks/store.rs"]
mod store_checks;

fn all() -> impl Iterator<Item = &'static (&'static str, fn(&[u8]))> {
    checks::CHECKS
        .iter()
        .chain(notify_checks::CHECKS)
        .chain(store_checks::CHECKS)
        .chain(api_checks::CHECKS)
}

#[test]
fn every_seed_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (target, check) in all() {
        let mut seeds = 0;
        for entry in std::fs::read_dir(root.join("seeds").join(target)).expect(target) {
            let path = entry.expect("an entry").path();
            // Shown only if the check panics.
            println!("{}", path.display());
            check(&std::fs::read(&path).expect("a seed"));
            seeds += 1;
        }
        assert!(seeds > 0, "{target} has no seeds");
        assert!(root.join(format!("targets/{target}.rs")).is_file());
    }
}

#[test]
fn every_target_has_a_check() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/targets");
    for entry in std::fs::read_dir(targets).expect("targets") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(all().any(|(target, _)| *target == name), "{name}");
    }
}
