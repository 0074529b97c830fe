use serde_json::{Value, json};

use super::{PROTOCOLS, Server};

const BODY: &str = "{ \"widgets\":[{\"type\":\"text\",\"x\":0,\"y\":0,\"width\":6,\"height\":3,\n\"properties\":{\"markdown\":\"h\u{e9}llo\"}}], \"later\": 1.50 }";

fn put(name: &str, body: &str) -> Value {
    json!({"DashboardName": name, "DashboardBody": body})
}

#[tokio::test]
async fn bodies_come_back_byte_for_byte() {
    let server = Server::start().await;
    for protocol in PROTOCOLS {
        let name = format!("main-{protocol:?}");
        server
            .send(protocol, "PutDashboard", &put(&name, BODY))
            .await
            .expect("put");
        assert_eq!(
            server
                .ask("GetDashboard", json!({"DashboardName": name}))
                .await,
            json!({"DashboardName": name, "DashboardBody": BODY,
                "DashboardArn": format!("arn:aws:cloudwatch::111122223333:dashboard/{name}")})
        );
    }
    let listed = server
        .ask("ListDashboards", json!({"DashboardNamePrefix": "main-J"}))
        .await;
    assert_eq!(
        listed,
        json!({"DashboardEntries": [{"DashboardName": "main-Json10",
            "DashboardArn": "arn:aws:cloudwatch::111122223333:dashboard/main-Json10",
            "LastModified": 1_772_323_200, "Size": BODY.len()}]})
    );
}

#[tokio::test]
async fn listings_have_pages_of_a_thousand() {
    let server = Server::start().await;
    for i in 0..1_001 {
        let catalog = &server.services.catalog;
        let name = format!("d{i:04}");
        catalog
            .put_dashboard(&server.tenant, &name, "{}", Vec::new(), crate::tests::START)
            .await
            .expect("put");
    }
    let first = server.ask("ListDashboards", json!({})).await;
    assert_eq!(
        first["DashboardEntries"].as_array().map(Vec::len),
        Some(1_000)
    );
    let rest = server
        .ask("ListDashboards", json!({"NextToken": first["NextToken"]}))
        .await;
    assert_eq!(rest["DashboardEntries"][0]["DashboardName"], json!("d1000"));
    assert_eq!(rest["NextToken"], Value::Null);
}

#[tokio::test]
async fn deleting_is_all_or_nothing() {
    let server = Server::start().await;
    server.ask("PutDashboard", put("a", BODY)).await;
    let (code, text) = server
        .refusal("DeleteDashboards", json!({"DashboardNames": ["a", "b"]}))
        .await;
    assert_eq!(
        (&*code, &*text),
        ("ResourceNotFound", "Dashboard b does not exist")
    );
    server
        .ask("DeleteDashboards", json!({"DashboardNames": ["a"]}))
        .await;
    let (code, text) = server
        .refusal("GetDashboard", json!({"DashboardName": "a"}))
        .await;
    assert_eq!(
        (&*code, &*text),
        ("ResourceNotFound", "Dashboard a does not exist")
    );
}

#[tokio::test]
async fn names_and_bodies_are_checked() {
    let server = Server::start().await;
    let (code, text) = server.refusal("PutDashboard", put("a b", BODY)).await;
    assert_eq!(code, "InvalidParameterValue");
    assert_eq!(
        text,
        "The value for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n"
    );
    let (code, text) = server.refusal("PutDashboard", put("a", "[]")).await;
    assert_eq!(
        (&*code, &*text),
        (
            "InvalidParameterInput",
            "The field DashboardBody must be a valid JSON object"
        )
    );
    let (code, text) = server.refusal("PutDashboard", put("a", "{}")).await;
    assert_eq!(code, "InvalidParameterInput");
    assert!(text.starts_with("The dashboard body is invalid, there are 1 validation errors:\n[\n  {\n    \"dataPath\": \"\","));
    for protocol in PROTOCOLS {
        let error = server
            .send(protocol, "PutDashboard", &put("a", "{}"))
            .await
            .expect_err("refused");
        let members: Vec<_> = error.members().collect();
        assert_eq!(members[0].0, "dashboardValidationMessages");
        assert_eq!(
            members[0].1,
            &json!([{"DataPath": "", "Message": "Should have required property 'widgets'"}])
        );
    }
    assert_eq!(
        server.ask("ListDashboards", json!({})).await["DashboardEntries"],
        json!([])
    );
}

#[tokio::test]
async fn doubts_are_told_and_the_body_is_stored() {
    let server = Server::start().await;
    let body = json!({"widgets": [{"type": "alarm", "properties": {"alarms": [
        "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:gone",
        "arn:aws:cloudwatch:eu-west-1:444455556666:alarm:elsewhere",
        "nonsense",
    ]}}]})
    .to_string();
    assert_eq!(
        server.ask("PutDashboard", put("a", &body)).await["DashboardValidationMessages"],
        json!([
            {"DataPath": "/widgets/0/properties/alarms/0", "Message": "The alarm gone does not exist"},
            {"DataPath": "/widgets/0/properties/alarms/2", "Message": "This is not the ARN of an alarm"},
        ])
    );
    assert_eq!(
        server
            .ask("GetDashboard", json!({"DashboardName": "a"}))
            .await["DashboardBody"],
        json!(body)
    );
}
