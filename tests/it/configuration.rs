//! `docs/configuration.md` names every key that the configuration file can have, and its example
//! is one.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The fields of the structures that the file is read into.
fn keys() -> Vec<String> {
    let source = read("src/server/config.rs");
    let fields = source.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("    pub ")?.split_once(": ")?;
        let is_key = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        is_key.then(|| name.to_owned())
    });
    fields.collect()
}

#[test]
fn every_key_is_documented() {
    let page = read("docs/configuration.md");
    let keys = keys();
    assert!(keys.len() >= 20, "{keys:?}");
    for key in keys {
        assert!(
            page.contains(&format!("`{key}`")) || page.contains(&format!("[{key}]")),
            "{key}"
        );
    }
}

#[test]
fn the_example_is_a_configuration() {
    let page = read("docs/configuration.md");
    let (_, example) = page.split_once("```toml\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), example).expect("written");
    let config = belfry_server::config::Config::read(file.path()).expect("a configuration");
    assert_eq!(config.region, "eu-west-1");
}
