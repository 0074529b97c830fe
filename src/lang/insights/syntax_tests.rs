//! The grammar by example: what is written, what it means, what an error says.

use super::*;

fn condition(text: &str) -> Expr {
    let query = parse(&format!("filter {text}")).unwrap_or_else(|error| panic!("{text}: {error}"));
    match query.stages.into_iter().next().map(|stage| stage.command) {
        Some(Command::Filter(filter)) => filter.condition,
        other => panic!("{other:?}"),
    }
}

fn command(text: &str) -> Command {
    let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    query.stages.into_iter().next_back().unwrap().command
}

fn refusal(text: &str) -> String {
    match parse(text) {
        Ok(query) => panic!("{text} parsed to {query}"),
        Err(error) => error.to_string(),
    }
}

/// Parses and prints with every grouping visible.
fn grouped(text: &str) -> String {
    fn group(expr: &Expr) -> String {
        let all = |parts: &[Expr], between: &str| {
            let parts: Vec<String> = parts.iter().map(group).collect();
            format!("({})", parts.join(between))
        };
        match &expr.kind {
            ExprKind::Arithmetic {
                operator,
                left,
                right,
            } => format!("({} {} {})", group(left), operator.symbol(), group(right)),
            ExprKind::Comparison {
                operator,
                left,
                right,
            } => format!("({} {} {})", group(left), operator.symbol(), group(right)),
            ExprKind::Sign { sign, operand } => format!("({sign:?} {})", group(operand)),
            ExprKind::Not(operand) => format!("(not {})", group(operand)),
            ExprKind::And(parts) => all(parts, " and "),
            ExprKind::Or(parts) => all(parts, " or "),
            _ => expr.to_string(),
        }
    }
    group(&condition(text))
}

#[test]
fn precedence() {
    assert_eq!(grouped("-2 ^ 2"), "(Minus (2 ^ 2))");
    assert_eq!(grouped("2 ^ 3 ^ 2"), "(2 ^ (3 ^ 2))");
    assert_eq!(grouped("2 ^ -x"), "(2 ^ (Minus x))");
    assert_eq!(grouped("a - b - c * d % e"), "((a - b) - ((c * d) % e))");
    assert_eq!(
        grouped("!ispresent(a) or b = 1"),
        "((not isPresent(a)) or (b = 1))"
    );
    assert_eq!(
        grouped("a = 1 or b > 2 and not c < 3 + 4"),
        "((a = 1) or ((b > 2) and (not (c < (3 + 4)))))"
    );
    assert_eq!(
        grouped("a = 1 && b == 2 || c <> 3"),
        "(((a = 1) and (b = 2)) or (c != 3))"
    );
    assert_eq!(grouped("foo-bar"), "(foo - bar)");
    assert_eq!(grouped("not not (a = 1)"), "(not (not (a = 1)))");
    assert!(refusal("filter a = b = c").contains("unexpected symbol found '='"));
}

#[test]
fn names() {
    let path = |text: &str| match condition(text).kind {
        ExprKind::Field(path) => path,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(path("a.items.0.id").name(), "a.items.0.id");
    assert_eq!(path("list[0].x").segments.len(), 3);
    assert_eq!(path("`foo-bar`"), FieldPath::key("foo-bar"));
    assert_eq!(path("`a``b`"), FieldPath::key("a`b"));
    assert_eq!(path("@`aws.tag.team:owner`"), path("`@aws.tag.team:owner`"));
    assert_eq!(path("@@version").name(), "@@version");
    assert_eq!(
        path("kubernetes.labels.`app.io/name`").name(),
        "kubernetes.labels.app.io/name"
    );
    assert_eq!(path("Größe").name(), "Größe");
    assert_eq!(path("`by`"), FieldPath::key("by"));
    assert_eq!(path("limit"), FieldPath::key("limit"));
    assert!(refusal("fields by").contains("unexpected symbol found 'by'"));
    assert!(refusal("fields `a").contains("the backtick is not closed"));
    assert!(refusal("fields 5xx").contains("a name that starts with a digit needs backticks"));
}

#[test]
fn literals() {
    let string = |text: &str| match condition(text).kind {
        ExprKind::Literal(Literal::String(text)) => text,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(string(r#""say \"hi\" \d \\ \/""#), r#"say "hi" \d \ /"#);
    assert_eq!(string("'it\\'s\\n\n'"), "it's\n\n");
    assert_eq!(
        condition(".5").kind,
        ExprKind::Literal(Literal::Number(0.5))
    );
    assert_eq!(
        condition("1.5E+3").kind,
        ExprKind::Literal(Literal::Number(1500.0))
    );
    assert_eq!(
        condition("TRUE").kind,
        ExprKind::Literal(Literal::Boolean(true))
    );
    assert_eq!(condition("null").kind, ExprKind::Literal(Literal::Null));
    assert!(refusal("filter 1e999 > 1").contains("the number is too large"));
    assert!(
        refusal("filter a = \"x").contains("the string is not closed at line 1 and position 11")
    );
}

#[test]
fn durations() {
    let bin = |text: &str| match command(&format!("stats count(*) by {text}")) {
        Command::Stats(stats) => match &stats.by[0].expr.kind {
            ExprKind::Call(call) => (
                call.duration().unwrap(),
                stats.by[0].column_name().to_owned(),
            ),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let (period, column) = bin("BIN( 300s )");
    assert_eq!((period.count, period.capped().count), (300, 60));
    assert_eq!(column, "BIN( 300s )");
    assert_eq!(
        bin("bin(5 )".replace("5 ", "5MINS").as_str()).0.unit,
        DurationUnit::Minute
    );
    for text in [
        "bin(0m)",
        "bin(m)",
        "bin(5 m)",
        "bin(5)",
        "bin(5x)",
        "bin('5m')",
        "bin()",
        "bin(5.5m)",
    ] {
        refusal(&format!("stats count(*) by {text}"));
    }
    assert!(refusal("fields abs(5m)").contains("not allowed here"));
}

#[test]
fn regexes() {
    let pattern = |text: &str| match condition(text).kind {
        ExprKind::Like {
            pattern: MatchPattern::Regex(regex),
            ..
        } => regex.pattern,
        other => panic!("{other:?}"),
    };
    assert_eq!(pattern(r"a like /x\/\d[|#']/"), r"x/\d[|#']");
    assert_eq!(pattern("a not like /(?i)b/"), "(?i)b");
    assert!(refusal("filter a like /x/i").contains("letters after a regex"));
    assert!(refusal("filter a like /(/").contains("the regex does not compile"));
    assert!(refusal("filter a like /(?=x)/").contains("the regex does not compile"));
    assert!(refusal("filter a like /x").contains("the regex is not closed"));
    assert_eq!(grouped("a / b / c > 1"), "(((a / b) / c) > 1)");
}

#[test]
fn globs() {
    let glob = |text: &str| match command(text) {
        Command::Parse(Parse {
            pattern: ParsePattern::Glob { glob, names },
            ..
        }) => (glob, names.len()),
        other => panic!("{other:?}"),
    };
    let (stars, names) = glob(r#"parse "* [*] \* pool=*" as t, lvl, pool"#);
    assert_eq!(names, 3);
    assert_eq!(
        stars.parts,
        [
            GlobPart::Wildcard,
            GlobPart::Literal(" [".into()),
            GlobPart::Wildcard,
            GlobPart::Literal("] * pool=".into()),
            GlobPart::Wildcard,
        ]
    );
    let regex = compile_regex(&stars.to_regex()).unwrap();
    let found = regex.captures("17:02 [WARN] * pool=db-1\nrest").unwrap();
    assert_eq!(
        (&found[1], &found[2], &found[3]),
        ("17:02", "WARN", "db-1\nrest")
    );
    let searched = compile_regex(&glob("parse 'x=*;' as x").0.to_regex()).unwrap();
    assert_eq!(&searched.captures("a x=1; x=2;").unwrap()[1], "1");
    assert!(refusal("parse @message '* *' as a").contains("2 wildcards for 1 names"));
    assert!(refusal("parse @message 'x'").contains("a pattern without *"));
    assert!(refusal("parse @message /x/").contains("a regex without a named group"));
    assert!(refusal("parse @message /(x)(y)/ as a").contains("2 unnamed groups for 1 names"));
    assert!(refusal("parse a + b '*' as c").contains("unexpected symbol found '+'"));
    assert!(refusal("parse 5 '*' as c").contains("parse reads a field or a call"));
}

#[test]
fn functions() {
    assert!(
        refusal("fields nosuch(a)").contains("unknown function 'nosuch' at line 1 and position 7")
    );
    assert!(refusal("fields substr(a)").contains("substr takes 2 to 3 arguments, found 1"));
    assert!(refusal("fields concat()").contains("concat takes at least 1 arguments, found 0"));
    assert!(refusal("fields strlen(*)").contains("only count takes *"));
    let branches = |count: usize| {
        let branches = vec!["a = 1, 'x'"; count].join(", ");
        format!("fields case({branches}, 'y') as c")
    };
    assert!(parse(&branches(10)).is_ok());
    assert!(refusal(&branches(11)).contains("case takes 2 to 21 arguments"));
}

#[test]
fn column_names_are_source_text() {
    let columns = |text: &str| match command(text) {
        Command::Stats(stats) => {
            let items = stats.by.iter().chain(&stats.items);
            items
                .map(|item| item.column_name().to_owned())
                .collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        columns("stats COUNT( * ), sum(x) / 1024 , avg(y) as m by bin(5m) , `x-id`, a.`b c`"),
        [
            "bin(5m)",
            "x-id",
            "a.b c",
            "COUNT( * )",
            "sum(x) / 1024",
            "m"
        ]
    );
}

#[test]
fn pipelines() {
    for (query, message) in [
        (
            "",
            "unexpected end of text at line 1 and position 0, expected a command",
        ),
        (
            " # nothing\n ",
            "unexpected end of text at line 2 and position 1, expected a command",
        ),
        (
            "| fields a",
            "unexpected symbol found '|' at line 1 and position 0, expected a command",
        ),
        (
            "fields a | | limit 1",
            "unexpected symbol found '|' at line 1 and position 11, expected a command",
        ),
        (
            "fields a |",
            "unexpected end of text at line 1 and position 10, expected a command",
        ),
        (
            "fieldz @timestamp",
            "unexpected symbol found 'fieldz' at line 1 and position 0, expected a command",
        ),
        (
            "fields a b",
            "unexpected symbol found 'b' at line 1 and position 9, expected '|' or the end of the query",
        ),
        (
            "fields a,\n  count(b",
            "unexpected end of text at line 2 and position 9, expected ')' or ','",
        ),
        (
            "filter (a = 1",
            "unexpected end of text at line 1 and position 13, expected ')'",
        ),
        (
            "limit 0",
            "the number of rows must be from 1 to 100000 at line 1 and position 6",
        ),
        (
            "limit 100001",
            "the number of rows must be from 1 to 100000 at line 1 and position 6",
        ),
        (
            "diff previousYear",
            "unexpected symbol found 'previousYear' at line 1 and position 5, expected '|' or the end of the query",
        ),
        (
            "filterIndex a > 1",
            "unexpected symbol found '>' at line 1 and position 14, expected '=' or in",
        ),
        (
            "filter a in (fields a | filter b in (fields b))",
            "a query inside a subquery at line 1 and position 36",
        ),
        (
            "filter a in (fields a",
            "unexpected end of text at line 1 and position 21, expected '|' or ')'",
        ),
    ] {
        assert_eq!(refusal(query), message, "{query}");
    }
    assert!(parse("FIELDS a # comment | limit 0\n| LIMIT any 5 # end").is_ok());
}

#[test]
fn sources() {
    let source = |text: &str| parse(text).unwrap().source.unwrap();
    let prefixed = source("SOURCE \"g\" START=1700000000000 END=1700000059999 | fields a");
    assert_eq!(prefixed.items, [SourceItem::LogGroup("g".into())]);
    assert_eq!(prefixed.start, Some(SourceTime::Epoch(1_700_000_000_000)));
    let bare = source("source /aws/lambda/my-fn start=-1d end=now");
    assert_eq!(
        bare.items,
        [SourceItem::LogGroup("/aws/lambda/my-fn".into())]
    );
    assert_eq!(
        bare.start,
        Some(SourceTime::Ago(Duration::new(1, DurationUnit::Day)))
    );
    assert_eq!(bare.end, Some(SourceTime::Now));
    let many = source(
        "SOURCE logGroups(namePrefix: ['a', 'b'], class: ['STANDARD']) dataSource(['x.y']) \
         logGroupTags([{\"key\": \"env\", \"values\": [\"prod\", \"!test*\"]}, {\"key\": \"k\"}]) | limit 5",
    );
    assert_eq!(many.items.len(), 3);
    assert_eq!(
        source("SOURCE logGroups()").items,
        [SourceItem::LogGroups(LogGroupSelection::default())]
    );
    refusal("fields a | SOURCE 'g'");
    refusal("SOURCE");
    refusal("SOURCE logGroups(namePrefix: [])");
    assert!(refusal("SOURCE logGroups(class: ['x'])").contains("a log group class is"));
    assert!(
        refusal("SOURCE logGroups(namePrefix: ['a','b','c','d','e','f'])").contains("at most 5")
    );
}

#[test]
fn joins() {
    let join = |text: &str| match command(text) {
        Command::Join(join) => join,
        other => panic!("{other:?}"),
    };
    let found = join("join left=a right=b where b.x.y = a.k and a.z=b.z (SOURCE fn | limit 5)");
    assert_eq!(found.kind, JoinKind::Inner);
    assert_eq!(found.conditions[0].left.name(), "k");
    assert_eq!(found.conditions[0].right.name(), "x.y");
    assert_eq!(found.query.stages.len(), 1);
    for text in [
        "join right=b where a.x = b.x (SOURCE 'f')",
        "join left=a right=a where a.x = a.x (SOURCE 'f')",
        "join left=a right=b where a.x = a.y (SOURCE 'f')",
        "join left=a right=b where a.x = c.y (SOURCE 'f')",
        "join left=a left=b right=c where a.x = c.y (SOURCE 'f')",
        "join left=a right=b where a.x = b.x",
        "join type=outer left=a right=b where a.x = b.x (SOURCE 'f')",
    ] {
        refusal(text);
    }
}

#[test]
fn row_commands() {
    assert!(matches!(command("head"), Command::Head(Head { rows: 10 })));
    assert!(matches!(command("tail 3"), Command::Tail(Tail { rows: 3 })));
    match command("autoregress v p=1-4") {
        Command::AutoRegress(copies) => {
            assert_eq!(copies.columns(), ["v_p1", "v_p2", "v_p3", "v_p4"])
        }
        other => panic!("{other:?}"),
    }
    match command("filldown a* `b*`, c") {
        Command::FillDown(fill) => {
            let matches = |column: &str| fill.columns.iter().any(|pattern| pattern.matches(column));
            assert!(matches("abc") && matches("b*") && matches("c"));
            assert!(!matches("bx") && !matches("cc"));
        }
        other => panic!("{other:?}"),
    }
    match command("outlier action=remove param=1.5 mark=true a, b c") {
        Command::Outlier(outlier) => {
            assert_eq!(outlier.fields.len(), 3);
            assert_eq!((outlier.factor, outlier.mark), (1.5, true));
        }
        other => panic!("{other:?}"),
    }
    refusal("autoregress v p=4-1");
    refusal("autoregress v p=1-200");
    refusal("autoregress v p=0");
    refusal("lookup t id name");
    refusal("fillmissing 0 for a");
}

#[test]
fn sets() {
    let set = |text: &str| match condition(text).kind {
        ExprKind::In { set, negated, .. } => (set, negated),
        other => panic!("{other:?}"),
    };
    assert!(matches!(set("a in []"), (InSet::List(items), false) if items.is_empty()));
    assert!(matches!(set("a not in [1, b + 2]"), (InSet::List(items), true) if items.len() == 2));
    assert!(matches!(set("a in b.list"), (InSet::Value(_), false)));
    assert!(matches!(set("a in (b)"), (InSet::Value(_), false)));
    assert!(matches!(
        set("a in (limit or sort)"),
        (InSet::Value(_), false)
    ));
    assert!(matches!(set("a in (sort)"), (InSet::Value(_), false)));
    assert!(matches!(
        set("a in (filter not b | fields a)"),
        (InSet::Subquery(_), false)
    ));
    assert!(matches!(
        set("a not in (SOURCE 'g')"),
        (InSet::Subquery(_), true)
    ));
}

#[test]
fn the_deepest_nesting_fits_half_a_stack() {
    let nested = |open: &str, close: &str| {
        let levels = crate::grammar::NESTING_LIMIT - 1;
        format!("filter {}1{}", open.repeat(levels), close.repeat(levels))
    };
    let parsing = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            for (open, close) in [("(", ")"), ("abs(", ")"), ("[", "]"), ("2^", "")] {
                let query = parse(&nested(open, close)).unwrap();
                assert_eq!(parse(&query.to_string()), Ok(query));
            }
        });
    parsing.unwrap().join().unwrap();
}

#[test]
fn size_and_depth_are_bounded() {
    let long = format!("filter {}", vec!["a = 1"; 1000].join(" or "));
    assert!(parse(&long).is_ok());
    let error = parse(&"x".repeat(10_001)).unwrap_err();
    assert!(matches!(error.kind, crate::SyntaxErrorKind::TooLong { .. }));
    for text in [
        "(".repeat(5000),
        "not ".repeat(2000),
        "-".repeat(5000),
        "!".repeat(5000),
        "abs(".repeat(2000),
        "[".repeat(5000),
        "2^".repeat(3000),
        "1+".repeat(3000),
        "x in (fields y in ".repeat(100),
    ] {
        let text = format!("filter {text}1");
        assert!(parse(&text).is_err());
    }
}
