use serde_json::json;

use super::Server;

#[tokio::test]
async fn lengths_are_checked_before_anything_is_looked_up() {
    let server = Server::start().await;
    let long_arn = format!("arn:aws:sns:eu-west-1:111122223333:{}", "t".repeat(1_000));
    let arn = "arn:aws:sns:eu-west-1:111122223333:nobody";
    let tags = json!([{"Key": "k", "Value": "v"}]);
    for (operation, input, member) in [
        (
            "TagResource",
            json!({"ResourceArn": long_arn, "Tags": tags}),
            "'resourceArn'",
        ),
        (
            "UntagResource",
            json!({"ResourceArn": long_arn, "TagKeys": ["k"]}),
            "'resourceArn'",
        ),
        (
            "ListTagsForResource",
            json!({"ResourceArn": ""}),
            "'resourceArn'",
        ),
        (
            "UntagResource",
            json!({"ResourceArn": arn, "TagKeys": ["k", "k".repeat(129)]}),
            "'tagKeys.2.member'",
        ),
    ] {
        let error = server.sns(operation, input).await.expect_err(operation);
        assert_eq!(error.code, "ValidationError");
        let text = error.message.unwrap_or_default();
        assert!(text.contains(member), "{text}");
    }
    let input = json!({"ResourceArn": arn, "TagKeys": ["k".repeat(128)]});
    let error = server
        .sns("UntagResource", input)
        .await
        .expect_err("no topic");
    assert_eq!(error.code, "ResourceNotFound");
}
