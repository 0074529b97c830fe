//! The language by example: the tables of the specification and what errors say.

use super::*;

fn matches(pattern: &str, message: &str) -> bool {
    match FilterPattern::parse(pattern) {
        Ok(pattern) => pattern.matches(message),
        Err(error) => panic!("{pattern}: {error}"),
    }
}

fn refusal(pattern: &str) -> String {
    match FilterPattern::parse(pattern) {
        Ok(pattern) => panic!("parsed to {pattern}"),
        Err(error) => error.to_string(),
    }
}

const EVENT: &str = r#"{"svc":"cart","lat":250,"code":"404","ok":false,"user":{"id":17,"mail":null},"tags":["eu","gold"],"hops":[{"n":"a","ms":3},{"n":"b","ms":40}],"k8s.ns":"shop"}"#;

const LINE: &str =
    r#"10.1.2.3 - alice [04/Mar/2026:05:06:07 +0000] "GET /cart?id=9 HTTP/1.1" 502 1288 0.731"#;

/// Spec 4.5, the whole table.
#[test]
fn json_examples() {
    for (pattern, expected) in [
        (r#"{ $.svc = "cart" }"#, true),
        ("{ $.svc = ca* }", true),
        (r#"{ $.svc != "cart" }"#, false),
        (r#"{ $.missing != "x" }"#, false),
        ("{ $.missing NOT EXISTS }", true),
        ("{ $.user.mail IS NULL }", true),
        ("{ $.user.mail NOT EXISTS }", false),
        ("{ $.ok IS FALSE }", true),
        ("{ $.lat >= 250 }", true),
        ("{ $.lat = 2.5e2 }", true),
        ("{ $.code > 400 }", true),
        ("{ $.user = * }", false),
        (r#"{ $.tags[1] = "gold" }"#, true),
        ("{ $.tags[*] = %^go% }", true),
        ("{ $.hops[*].ms > 30 }", true),
        ("{ $.['k8s.ns'] = shop }", true),
        ("{ ($.lat > 900 || $.svc = cart) && $.user.id = 17 }", true),
        ("{ $.lat > 900 && $.user.id = 17 || $.svc = cart }", true),
    ] {
        assert_eq!(matches(pattern, EVENT), expected, "{pattern}");
    }
}

/// Spec 6.4, the whole table.
#[test]
fn delimited_examples() {
    for (pattern, message, expected) in [
        ("[ip, id, user, ts, req, status=5*, bytes, dur]", LINE, true),
        ("[ip, id, user, ts, req, status=5*, bytes]", LINE, true),
        ("[ip, id, user, ts, req, status=5*]", LINE, false),
        ("[..., status=5*, bytes, dur]", LINE, true),
        ("[..., bytes > 1000, dur > 0.5]", LINE, true),
        (r"[ip = %^10\.1\.%, ...]", LINE, true),
        ("[ip, id, user != alice, ...]", LINE, false),
        ("[ip, id, user = alice || user = bob, ...]", LINE, true),
        ("[a, b]", "one", false),
        (
            "[lvl = WARN || lvl = ERROR, rest]",
            "WARN disk is full",
            true,
        ),
        ("[..., status=5*,,]", LINE, true),
        ("[]", LINE, true),
        ("[w1=ERROR || W1=WARN, ...]", "WARN x", true),
        ("[a, (a2 > 1 && a2 < 9) || a2 = x*]", "k 5", true),
        ("[a,]", "one two three", false),
    ] {
        assert_eq!(matches(pattern, message), expected, "{pattern}");
    }
}

#[test]
fn extracted_values() {
    let extract = |pattern: &str, message: &str| {
        let values = FilterPattern::parse(pattern).unwrap().extract(message);
        let values = values.map(|values| {
            let pairs = values.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join(" ")
        });
        values.unwrap_or_else(|| "no match".to_owned())
    };
    assert_eq!(
        extract(
            "[ip, id, user, ts, req, status=5*, bytes]",
            "a b c d e 500 1  2"
        ),
        "$ip=a $id=b $user=c $ts=d $req=e $status=500 $bytes=1 2"
    );
    assert_eq!(
        extract("[..., status=5*,,]", "a 502 1288 0.731"),
        "$1=a $status=502 $3=1288 $4=0.731"
    );
    assert_eq!(
        extract(
            "{ $.svc = * && $.['k8s.ns'] = * && $.tags[*] = eu && $.ok IS FALSE && $.svc != x }",
            EVENT
        ),
        "$.svc=cart $.['k8s.ns']=shop $.ok=false"
    );
    assert_eq!(extract("ERROR", "ERROR"), "");
    assert_eq!(extract("ERROR", "ok"), "no match");
    let value = |selector: &str| Selector::parse(selector).unwrap().value_in(EVENT);
    assert_eq!(value("$.user.id").as_deref(), Some("17"));
    assert_eq!(value("$.ok").as_deref(), Some("false"));
    assert_eq!(value("$.tags[1]").as_deref(), Some("gold"));
    for nothing in ["$.none", "$.user", "$.user.mail", "$.tags[*]"] {
        assert_eq!(value(nothing), None, "{nothing}");
    }
    assert!(Selector::parse("$.a b").is_err() && Selector::parse("a").is_err());
}

#[test]
fn equality_of_json_values() {
    for (pattern, message, expected) in [
        // 4.4: the text of a number as written in the event.
        (r#"{ $.n = "1.0" }"#, r#"{"n": 1.0}"#, true),
        (r#"{ $.n = "1" }"#, r#"{"n": 1.0}"#, false),
        ("{ $.n = 1 }", r#"{"n": "01.0"}"#, true),
        ("{ $.n = 1* }", r#"{"n": 1e5}"#, true),
        ("{ $.n = true }", r#"{"n": true}"#, true),
        ("{ $.n != 1 }", r#"{"n": true}"#, true),
        ("{ $.n = %t% }", r#"{"n": true}"#, false),
        ("{ $.n != x }", r#"{"n": null}"#, true),
        ("{ $.n = * }", r#"{"n": null}"#, false),
        ("{ $.n < 5 }", r#"{"n": "4"}"#, true),
        ("{ $.n < 5 }", r#"{"n": "x"}"#, false),
        (r#"{ $.n = "a\*b" }"#, r#"{"n": "a*b"}"#, true),
        (r#"{ $.n = "a\*b" }"#, r#"{"n": "axb"}"#, false),
        ("{ $.n = a }", r#"{"n": "\u0061"}"#, true),
        // Duplicate keys: the last wins.
        ("{ $.n = 1 }", r#"{"n": 1, "n": 2}"#, false),
        ("{ $.n.x = 1 }", r#"{"n": {"x": 1}, "n": {"y": 1}}"#, false),
        // Only one whole object is JSON.
        ("{ $.n NOT EXISTS }", "[]", false),
        ("{ $.n NOT EXISTS }", " {} ", true),
        ("{ $.n NOT EXISTS }", "{} x", false),
        ("{ $.n NOT EXISTS }", "{\"a\": }", false),
    ] {
        assert_eq!(
            matches(pattern, message),
            expected,
            "{pattern} on {message}"
        );
    }
    let deep = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    assert!(!matches("{ $.a = * }", &deep));
    assert!(!matches("{ $.a.a.a = * }", &deep));
}

#[test]
fn errors_tell_the_place() {
    for (pattern, message) in [
        ("\"abc", "the quote is not closed at line 1 and position 0"),
        (
            "a ?",
            "unexpected end of text at line 1 and position 3, expected a word, a phrase in quotes or a regex between %",
        ),
        (
            "a\"b\"",
            "unexpected symbol found '\"' at line 1 and position 1, expected a blank",
        ),
        (
            "a {b",
            "unexpected symbol found '{' at line 1 and position 2, expected a word, a phrase in quotes or a regex between %",
        ),
        (
            "%a%b",
            "unexpected symbol found 'b' at line 1 and position 3, expected a blank",
        ),
        (
            "%a% %b% %c%",
            "at most 2 regexes in a pattern at line 1 and position 0",
        ),
        (
            "{ $.svc EXISTS }",
            "unexpected symbol found 'EXISTS' at line 1 and position 8, expected '!=', '=', '<=', '>=', '<', '>', IS or NOT EXISTS",
        ),
        (
            "{ $.svc IS NOT NULL }",
            "unexpected symbol found 'NOT' at line 1 and position 11, expected NULL, TRUE or FALSE",
        ),
        (
            "{ $.a > \"x\" }",
            "an order comparison needs a number at line 1 and position 8",
        ),
        (
            "{ $.\"a.b\" = 1 }",
            "unexpected symbol found '\"' at line 1 and position 4",
        ),
        (
            "{ $.a = 1",
            "unexpected end of text at line 1 and position 9, expected '}'",
        ),
        (
            "{ $.a = 1 } x",
            "unexpected symbol found 'x' at line 1 and position 12, expected the end of the pattern",
        ),
        (
            "{ }",
            "unexpected symbol found '}' at line 1 and position 2, expected a selector such as $.key or '('",
        ),
        (
            "{ $.a[*].b[*] = 1 }",
            "a selector may have one wildcard at line 1 and position 2",
        ),
        (
            "{ $.a[*]=1 || $.b[*]=1 || $.c[*]=1 || $.*=1 }",
            "at most 3 selectors with a wildcard at line 1 and position 0",
        ),
        ("[a, ..., b, ...]", "a second ... at line 1 and position 12"),
        (
            "[a, a]",
            "a second column of this name at line 1 and position 4",
        ),
        (
            "[a = 1 || b = 2, c]",
            "a condition of column a names another column at line 1 and position 10",
        ),
        (
            "[a > x]",
            "an order comparison needs a number at line 1 and position 5",
        ),
        (
            "[a, b",
            "unexpected end of text at line 1 and position 5, expected ',' or ']'",
        ),
        (
            "[a b]",
            "unexpected symbol found 'b' at line 1 and position 3",
        ),
    ] {
        let text = refusal(pattern);
        assert!(text.starts_with(message), "{pattern}: {text}");
    }
    assert!(refusal(&"a".repeat(1025)).contains("1025 characters"));
    assert!(refusal(&format!("{{ {}", "(".repeat(500))).contains("nested deeper"));
    assert!(refusal(&format!("[{}", "(".repeat(500))).contains("nested deeper"));
}

#[test]
fn literals_for_an_index() {
    let required = |pattern: &str| FilterPattern::parse(pattern).unwrap().required_literals();
    assert_eq!(required("a \"b c\" -d %e%"), [["a"], ["b c"]]);
    assert_eq!(required("?a ?b"), [["a", "b"]]);
    assert_eq!(required("?a ?b c"), [["c"]]);
    assert_eq!(required("-a"), Vec::<Vec<String>>::new());
    assert_eq!(
        required("{ $.a = x && ($.b = yy* || $.c IS NULL) }"),
        vec![vec!["x", "\\"], vec!["yy", "\\", "null"]]
    );
    assert_eq!(
        required("{ $.a = x || $.b > 1 }"),
        Vec::<Vec<String>>::new()
    );
    assert_eq!(required("[a = *err*, b = 1, ...]"), [["err"]]);
}

#[test]
fn the_deepest_nesting_fits_half_a_stack() {
    let levels = crate::grammar::NESTING_LIMIT;
    let (open, close) = ("(".repeat(levels), ")".repeat(levels));
    let patterns = [
        format!("{{ {open}$.a = 1{close} }}"),
        format!("[{open}a = 1{close}, ...]"),
    ];
    let parsing = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            for pattern in patterns {
                FilterPattern::parse(&pattern).unwrap();
            }
        });
    parsing.unwrap().join().unwrap();
}
