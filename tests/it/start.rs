//! What a start that fails leaves behind.

use std::net::TcpListener;

use belfry::node::{Node, NodeOptions, StartError};
use belfry_server::auth::AuthMode;
use belfry_server::config::Config;

#[tokio::test]
async fn a_taken_port_leaves_the_data_directory_alone() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let refused = Node::start(NodeOptions {
        data_dir: data_dir.clone(),
        listen: taken.local_addr().unwrap(),
        auth: AuthMode::SigV4,
        account: None,
        config: Config::default(),
        test_clock: None,
        accept_lost_records: false,
    })
    .await
    .err();
    assert!(
        matches!(refused, Some(StartError::Listen { .. })),
        "{refused:?}"
    );
    // A root key there would bind the next start to its account.
    assert!(!data_dir.exists());
}
