//! Cases of `tests/examples/metric-math.jsonl`, the shapes of trees, errors and properties.

use serde_json::Value;

use super::*;

const CASES: &str = include_str!("../../../tests/examples/metric-math.jsonl");

#[test]
fn cases_parse_and_print() {
    // The other errors concern types and ids.
    let syntax_errors = [
        "lowercase-function-is-error",
        "unbalanced-parenthesis-is-error",
    ];
    let mut seen = 0;
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap();
        let text = case["expression"].as_str().unwrap();
        seen += 1;
        match parse(text) {
            Ok(tree) => {
                assert!(!syntax_errors.contains(&name), "{name}");
                assert_eq!(
                    parse(&tree.to_string()).as_ref(),
                    Ok(&tree),
                    "{name}: {tree}"
                );
            }
            Err(error) => assert!(syntax_errors.contains(&name), "{name}: {error}"),
        }
    }
    assert_eq!(seen, 82);
}

/// Parses and prints with every grouping visible.
fn grouped(text: &str) -> String {
    fn group(expression: &Expression) -> String {
        match &expression.kind {
            ExpressionKind::Chain { first, rest } => {
                rest.iter().fold(group(first), |left, (operator, right)| {
                    format!("({left} {} {})", operator.symbol(), group(right))
                })
            }
            ExpressionKind::Power { base, exponent } => {
                format!("({} ^ {})", group(base), group(exponent))
            }
            ExpressionKind::Negate(operand) => format!("(-{})", group(operand)),
            _ => expression.to_string(),
        }
    }
    group(&parse(text).unwrap())
}

#[test]
fn precedence() {
    assert_eq!(grouped("a+b*2-c"), "((a + (b * 2)) - c)");
    assert_eq!(grouped("-a^2"), "(-(a ^ 2))");
    assert_eq!(grouped("a^-b^2"), "(a ^ (-(b ^ 2)))");
    assert_eq!(grouped("a^b^c"), "(a ^ (b ^ c))");
    assert_eq!(
        grouped("a OR b AND c == d < e+1"),
        "(a OR (b AND (c == (d < (e + 1)))))"
    );
    assert_eq!(grouped("a||b&&c"), "(a OR (b AND c))");
    assert_eq!(grouped("a/b/c"), "((a / b) / c)");
    assert_eq!(grouped("a-(b-c)"), "(a - (b - c))");
    assert_eq!(grouped("- -a"), "(-(-a))");
}

#[test]
fn literals_and_ids() {
    let string = |text| match parse(text).unwrap().kind {
        ExpressionKind::String(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(string(r#"'it\'s "x" \\'"#), r#"it's "x" \"#);
    assert_eq!(grouped("1.5e3 + .25"), "(1500 + 0.25)");
    assert_eq!(parse("SUM([m1, e2]) / m1").unwrap().ids(), ["m1", "e2"]);
    assert!(
        parse("IF(SEARCH('x', 'Sum'), 1)")
            .unwrap()
            .calls(Function::Search)
    );
    assert!(is_metrics_insights(" select AVG(x) FROM y"));
    assert!(!is_metrics_insights("selected + 1"));
}

#[test]
fn errors_tell_the_place() {
    for (text, message) in [
        (
            "",
            "unexpected end of text at line 1 and position 0, expected an expression",
        ),
        (
            "m1 +",
            "unexpected end of text at line 1 and position 4, expected an expression",
        ),
        (
            "(m1",
            "unexpected end of text at line 1 and position 3, expected ')'",
        ),
        (
            "m1 m2",
            "unexpected symbol found 'm2' at line 1 and position 3, expected an operator or the end of the expression",
        ),
        (
            "sum(m1)",
            "unknown function 'sum'; functions are upper case at line 1 and position 0",
        ),
        (
            "1 + NOPE(m1)",
            "unknown function 'NOPE' at line 1 and position 4",
        ),
        (
            "FILL(m1)",
            "FILL takes 2 arguments, found 1 at line 1 and position 0",
        ),
        (
            "SORT(METRICS(), AVERAGE, ASC)",
            "unexpected symbol found 'AVERAGE' at line 1 and position 16, expected AVG, MIN, MAX or SUM",
        ),
        (
            "m1 + “x”",
            "unexpected symbol found '“' at line 1 and position 5, expected an expression",
        ),
        ("'x", "the string is not closed at line 1 and position 0"),
        (
            "[m1, 'x']",
            "an array of strings and other values at line 1 and position 0",
        ),
        (
            "3m",
            "a number directly before a letter; an id starts with a lower-case letter at line 1 and position 0",
        ),
        (
            "m1 % 2",
            "unexpected symbol found '%' at line 1 and position 3, expected an operator or the end of the expression",
        ),
        ("NOT m1", "unknown function 'NOT' at line 1 and position 0"),
        (
            "[]",
            "unexpected symbol found ']' at line 1 and position 1, expected an expression",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn the_deepest_nesting_fits_half_a_stack() {
    let nested = |open: &str, close: &str| {
        let levels = crate::grammar::NESTING_LIMIT - 1;
        format!("{}1{}", open.repeat(levels), close.repeat(levels))
    };
    let parsing = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            for (open, close) in [("(", ")"), ("ABS(", ")"), ("[", "]"), ("2^", "")] {
                let tree = parse(&nested(open, close)).unwrap();
                assert_eq!(parse(&tree.to_string()), Ok(tree));
            }
        });
    parsing.unwrap().join().unwrap();
}

#[test]
fn size_and_depth_are_bounded() {
    let many = vec!["m1"; 600].join("+");
    assert!(parse(&many).is_ok());
    assert!(parse(&"m1+".repeat(700)).is_err());
    for text in [
        "(".repeat(2000),
        "-".repeat(2000),
        "ABS(".repeat(500),
        "2^".repeat(1000),
    ] {
        let error = parse(&text).unwrap_err();
        let too_deep = matches!(error.kind, crate::SyntaxErrorKind::TooDeep { .. });
        assert!(too_deep, "{error}");
    }
}
