//! Receivers that are down, refuse, or are slow; processes that die.

use belfry_model::Clock;
use belfry_notify::observer::DeliveryStatus;

use crate::node::Node;
use crate::receiver::Receiver;

#[tokio::test]
async fn receivers_that_were_down_get_their_message() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let port = receiver.address.port();
    let topic = node.topic("ops").await;
    let subscription = node.subscribe_receiver(&topic, &receiver, &[]).await;
    drop(receiver);
    let message = node.publish(&topic, "are you there").await;
    node.run().await;
    assert_eq!(node.next_due_s().await, Some(20.0));
    assert_eq!(node.advance_and_run(19).await, 0);

    // A restart in the middle keeps the schedule.
    let node = node.restart().await;
    let receiver = Receiver::at(port).await;
    assert_eq!(node.advance_and_run(1).await, 1);
    let heard = receiver.take().pop().expect("delivered");
    assert_eq!(heard.header("x-amz-sns-message-id"), Some(&*message));
    let report = node.reports(&subscription).pop().expect("a report");
    assert_eq!(report.status, DeliveryStatus::Delivered);
    assert_eq!(report.attempts, 2);
    assert_eq!(report.dwell_ms, 20_000);
    assert_eq!(node.outbox_len().await, 0);
}

#[tokio::test]
async fn a_policy_that_runs_out_is_on_record() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let policy = r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":4,"numRetries":3,"numNoDelayRetries":1,"backoffFunction":"exponential"}}"#;
    let dead = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000042:dead"}"#;
    let subscription = node
        .subscribe_receiver(
            &topic,
            &receiver,
            &[("DeliveryPolicy", policy), ("RedrivePolicy", dead)],
        )
        .await;
    for _ in 0..4 {
        receiver.answer("503 Busy", "");
    }
    node.publish(&topic, "m").await;
    // The first attempt and the immediate retry.
    assert_eq!(node.run().await, 2);
    assert_eq!(node.next_due_s().await, Some(1.0));
    assert_eq!(node.advance_and_run(1).await, 1);
    assert_eq!(node.next_due_s().await, Some(4.0));
    assert_eq!(node.advance_and_run(4).await, 1);
    assert_eq!(node.outbox_len().await, 0);
    let reports = node.reports(&subscription);
    let last = reports.last().expect("reports");
    assert_eq!(last.status, DeliveryStatus::Failed);
    assert_eq!((last.attempts, last.status_code), (4, Some(503)));
    assert_eq!(
        last.dead_letter_target.as_deref(),
        Some("arn:aws:sqs:eu-central-1:000000000042:dead")
    );
}

#[tokio::test]
async fn refusals_are_final_and_redirects_are_not_followed() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let subscription = node.subscribe_receiver(&topic, &receiver, &[]).await;
    let elsewhere = format!("Location: {}\r\n", receiver.url("/elsewhere"));
    for (status, headers) in [("400 Bad Request", ""), ("302 Found", elsewhere.as_str())] {
        receiver.answer(status, headers);
        node.publish(&topic, "m").await;
        node.run().await;
        assert_eq!(receiver.take().len(), 1, "{status}");
        assert_eq!(node.outbox_len().await, 0, "{status}");
        let report = node.reports(&subscription).pop().expect("a report");
        assert_eq!(report.status, DeliveryStatus::Failed);
        assert_eq!(report.detail, "hm");
    }
}

#[tokio::test]
async fn retry_after_is_a_lower_bound() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    node.subscribe_receiver(&topic, &receiver, &[]).await;
    for (after, due) in [("90", 90.0), ("5", 20.0)] {
        receiver.answer("429 Slow Down", &format!("Retry-After: {after}\r\n"));
        node.publish(&topic, "m").await;
        node.run().await;
        assert_eq!(node.next_due_s().await, Some(due));
        node.advance_and_run(90).await;
        assert_eq!(node.outbox_len().await, 0);
    }
}

#[tokio::test]
async fn a_process_killed_before_the_delivery_leaves_it_to_the_next() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    node.subscribe_receiver(&topic, &receiver, &[]).await;
    let message = node.publish(&topic, "m").await;
    let node = node.restart().await;
    assert_eq!(node.run().await, 1);
    let heard = receiver.take().pop().expect("delivered");
    assert_eq!(heard.header("x-amz-sns-message-id"), Some(&*message));
}

#[tokio::test]
async fn a_process_killed_during_the_delivery_repeats_it() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    node.subscribe_receiver(&topic, &receiver, &[]).await;
    receiver.arrived().await;
    receiver.stay_silent();
    let message = node.publish(&topic, "m").await;
    tokio::select! {
        _ = node.run() => panic!("the receiver never answers"),
        () = receiver.arrived() => {}
    }
    assert_eq!(receiver.take().len(), 1);
    // Another node has to wait until the claim ends, the same one takes it up at once.
    let node = node.restart_as("other").await;
    assert_eq!(node.run().await, 0);
    assert_eq!(node.next_due_s().await, Some(120.0));
    let node = node.restart_as("node").await;
    assert_eq!(node.run().await, 1);
    let heard = receiver.take().pop().expect("delivered");
    assert_eq!(heard.header("x-amz-sns-message-id"), Some(&*message));
    assert_eq!(node.outbox_len().await, 0);
}

#[tokio::test]
async fn receivers_get_no_more_a_second_than_they_want() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let policy = r#"{"throttlePolicy":{"maxReceivesPerSecond":2}}"#;
    node.subscribe_receiver(&topic, &receiver, &[("DeliveryPolicy", policy)])
        .await;
    for n in 0..5 {
        node.publish(&topic, &n.to_string()).await;
    }
    let mut heard = Vec::new();
    node.run().await;
    heard.push(receiver.take().len());
    for _ in 0..4 {
        let due = node.next_due_s().await;
        let Some(due) = due else { break };
        node.clock.advance_ms((due * 1_000.0) as i64);
        node.run().await;
        heard.push(receiver.take().len());
    }
    assert_eq!(heard, [2, 1, 1, 1]);
    let start = belfry_model::TimestampMs::parse_iso8601(crate::node::START).expect("a time");
    assert_eq!(node.clock.now() - start, 1_500);
}

#[tokio::test]
async fn forbidden_addresses_are_never_connected_to() {
    let deny =
        belfry_notify::address::DenyList::parse(["127.0.0.0/8", "::1/128"]).expect("networks");
    let config = belfry_notify::NotifyConfig {
        deny,
        ..crate::node::config()
    };
    let node = Node::with(config).await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let port = receiver.address.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let endpoint = format!("http://{host}:{port}/");
        let outcome = node
            .subscribe(&topic, "http", &endpoint, &[])
            .await
            .expect("subscribed");
        node.run().await;
        let report = node
            .reports(&outcome.subscription_arn)
            .pop()
            .expect("a report");
        assert_eq!(report.status, DeliveryStatus::Failed, "{host}");
        assert_eq!(
            report.detail, "the endpoint's address is not allowed",
            "{host}"
        );
    }
    assert!(receiver.take().is_empty());
}

#[tokio::test]
async fn messages_due_at_once_arrive_in_order() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    node.subscribe_receiver(&topic, &receiver, &[]).await;
    let mut sent = Vec::new();
    for n in 0..100 {
        sent.push(node.publish(&topic, &n.to_string()).await);
    }
    assert_eq!(node.run().await, 100);
    let heard: Vec<String> = receiver
        .take()
        .iter()
        .map(|r| r.header("x-amz-sns-message-id").expect("an id").to_owned())
        .collect();
    assert_eq!(heard, sent);
}

/// A receiver whose TLS is broken may be mended, so it is tried again.
#[tokio::test]
async fn broken_tls_is_worth_another_attempt() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let endpoint = format!("https://{}/", listener.local_addr().expect("bound"));
    let garbage = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400\r\n\r\n").await;
    });
    let node = Node::start().await;
    let topic = node.topic("ops").await;
    let outcome = node
        .subscribe(&topic, "https", &endpoint, &[])
        .await
        .expect("subscribed");
    node.run().await;
    garbage.await.expect("it was connected to");
    let report = node
        .reports(&outcome.subscription_arn)
        .pop()
        .expect("a report");
    assert_eq!(report.status, DeliveryStatus::Retrying);
    assert_eq!(node.next_due_s().await, Some(20.0));
}
